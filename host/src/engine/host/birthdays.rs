//! `birthdays`: the platform's own field for a customer's birthday.

use super::super::{
    answer::{Answer, invalid, told},
    bindings::{birthdays, types::Refusal},
    checks::{can_be_id, check_id},
    delivery::Delivery,
};
use crate::{
    domain::{Birthday, BirthdayChange, Customer, CustomerId, EffectKind},
    store::keys,
};

/// The earliest year of birth: nobody alive was born before.
const EARLIEST: i16 = 1_900;

/// A year that has every day that any year has.
const LEAP_YEAR: i16 = 2_000;

impl birthdays::Host for Delivery {
    fn get_birthday(&mut self, customer_id: String) -> wasmtime::Result<Option<birthdays::Birthday>> {
        if self.granted("birthdays").is_err() || !can_be_id(&customer_id) {
            return Ok(None);
        }
        let customer = self.left_of(CustomerId::from(customer_id))?;
        let customer = self.get::<Customer>(&keys::customer(self.store_id(), &customer))?;
        let birthday = customer.and_then(|customer| customer.birthday);
        Ok(birthday.map(|Birthday { year, month, day }| birthdays::Birthday { year, month, day }))
    }

    fn set_birthday(
        &mut self,
        customer_id: String,
        birthday: birthdays::Birthday,
    ) -> wasmtime::Result<Result<String, Refusal>> {
        told(self.change_birthday(customer_id, birthday))
    }
}

impl Delivery {
    fn change_birthday(&mut self, customer_id: String, birthday: birthdays::Birthday) -> Answer<String> {
        self.granted("birthdays")?;
        let birthdays::Birthday { year, month, day } = birthday;
        let date = i8::try_from(month)
            .ok()
            .zip(i8::try_from(day).ok())
            .and_then(|(month, day)| jiff::civil::Date::new(year.unwrap_or(LEAP_YEAR), month, day).ok());
        let today = self.input.now().date_in(&self.input.store.time_zone);
        match date {
            None => return Err(invalid("birthday: there is no such day").into()),
            Some(date) if year.is_some() && (date > today || date.year() < EARLIEST) => {
                return Err(invalid(format!("birthday: is not between {EARLIEST} and today")).into());
            }
            Some(_) => {}
        }
        check_id("customer-id", &customer_id)?;
        let customer = self.left_of(CustomerId::from(customer_id))?;
        let change = BirthdayChange { customer, birthday: Birthday { year, month, day } };
        Ok(self.queue_change_of_value(EffectKind::SetBirthday(change))?.to_string())
    }
}
