//! `events`: the event being handled.

use super::super::{bindings::events, delivery::Delivery};
use crate::{
    domain::{Change, Customer, Order, Origin, ProtectedData},
    store::keys,
};

impl events::Host for Delivery {
    fn get_customer(&mut self) -> wasmtime::Result<Option<events::Customer>> {
        let Some(id) = self.input.customer.clone() else { return Ok(None) };
        Ok(self.get::<Customer>(&keys::customer(self.store_id(), &id))?.map(Into::into))
    }

    fn get_order(&mut self) -> wasmtime::Result<Option<events::Order>> {
        let Some(id) = self.input.order.clone() else { return Ok(None) };
        let order = self.get::<Order>(&keys::order(self.store_id(), &id))?;
        Ok(order.map(|order| self.order_view(order)).transpose()?)
    }

    fn get_refund(&mut self) -> wasmtime::Result<Option<events::Refund>> {
        Ok(match &self.input.read.change {
            Change::Refund(refund) => Some((**refund).clone().into()),
            _ => None,
        })
    }

    fn get_fulfillment(&mut self) -> wasmtime::Result<Option<events::Fulfillment>> {
        Ok(match &self.input.read.change {
            Change::Fulfillment(fulfillment) => Some(self.shipment_view((**fulfillment).clone())),
            _ => None,
        })
    }

    fn get_dispute(&mut self) -> wasmtime::Result<Option<events::Dispute>> {
        Ok(match &self.input.read.change {
            Change::Dispute(dispute) => Some(dispute.clone().into()),
            _ => None,
        })
    }

    fn get_timer(&mut self) -> wasmtime::Result<Option<events::Timer>> {
        Ok(match &self.input.event.origin {
            Origin::Timer { key, .. } => {
                Some(events::Timer { key: key.clone(), payload: self.input.event.body.to_vec() })
            }
            _ => None,
        })
    }

    fn get_action(&mut self) -> wasmtime::Result<Option<events::Action>> {
        let (name, customer) = match &self.input.event.origin {
            Origin::Action { customer, name, .. } => (name, Some(customer)),
            Origin::MerchantAction { customer, name, .. } => (name, customer.as_ref()),
            Origin::VisitorAction { name, .. } => (name, None),
            _ => return Ok(None),
        };
        // Whoever it is may have been absorbed by another since.
        let customer = customer.map(|customer| self.input.customer.as_ref().unwrap_or(customer));
        Ok(Some(events::Action {
            name: name.clone(),
            customer_id: customer.map(ToString::to_string),
            input_json: String::from_utf8_lossy(&self.input.event.body).into_owned(),
        }))
    }

    fn get_merge(&mut self) -> wasmtime::Result<Option<events::Merge>> {
        let Change::Merge(merge) = &self.input.read.change else { return Ok(None) };
        if !merge.completed {
            return Ok(None);
        }
        let absorbed = merge.removed.clone();
        let kept = self.left_of(absorbed.clone())?;
        self.count_read(0)?;
        let merge = events::Merge { kept_id: kept.to_string(), absorbed_id: absorbed.to_string() };
        Ok((kept != absorbed).then_some(merge))
    }

    fn get_payload_json(&mut self) -> wasmtime::Result<String> {
        let is_level_1 = self.input.store.protected_data == ProtectedData::Level1;
        Ok(match &self.input.event.origin {
            // What a platform sends names people; what has an accessor is had from that.
            Origin::Webhook { .. } | Origin::Read { .. } if is_level_1 => "null".into(),
            Origin::EffectFailed { .. } | Origin::EffectEnded { .. } if is_level_1 => {
                without_reason(&self.input.event.body)
            }
            Origin::Timer { .. } | Origin::Merge { .. } | Origin::Redaction { .. } | Origin::Consent { .. } => {
                "null".into()
            }
            Origin::Webhook { .. }
            | Origin::Read { .. }
            | Origin::Action { .. }
            | Origin::MerchantAction { .. }
            | Origin::VisitorAction { .. }
            | Origin::Visit { .. }
            | Origin::SettingsPublished { .. }
            | Origin::EffectFailed { .. }
            | Origin::EffectEnded { .. } => String::from_utf8_lossy(&self.input.event.body).into_owned(),
        })
    }
}

/// What became of an effect without the other side's words: a mail server's name the address.
fn without_reason(body: &[u8]) -> String {
    let Ok(mut told) = serde_json::from_slice::<serde_json::Value>(body) else { return "null".into() };
    if let Some(reason) = told.get_mut("reason") {
        *reason = "".into();
    }
    told.to_string()
}
