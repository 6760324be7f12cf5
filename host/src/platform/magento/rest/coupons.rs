//! Codes: coupons under cart price rules. A code is there once, so that one that is there already was made by an earlier
//! try.
//!
//! Store credit and gift cards, which REST cannot give, are codes as well: worth their amount on one order. A code ends with
//! its last day by the shop's calendar. What of its amount an order leaves over is lost.

use std::time::Duration;

use axum::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{RestClient, V1, permanent, search::Search, transient, views::Views};
use crate::{
    domain::{Benefit, CustomerId, DiscountEnd, EffectId, Money, NewDiscount, NewGiftCard, StoreCredit, Timestamp},
    platform::{EndedDiscount, Failure, Receipt},
};

/// Characters of a code that stands for store credit: 80 bits.
const CREDIT_CODE_CHARS: usize = 16;

impl RestClient {
    /// Creates a code, or finds that an earlier try created it.
    pub async fn create_discount(&self, discount: &NewDiscount) -> Result<Receipt, Failure> {
        let coupon = coupon_of(discount, self.rule_for(discount).await?, &*self.views().await?)?;
        let answer = self.exchange(Method::POST, V1, &["coupons"], &[], Some(json!({ "coupon": coupon }))).await?;
        if answer.is_declined()
            && let Some(found) = self.coupon(&discount.code).await?
        {
            return self.own(found).await.map(Coupon::into_receipt);
        }
        answer.read::<Coupon>().map(Coupon::into_receipt)
    }

    /// Ends a code, whether or not it has been used: it is deleted, and orders that have used it keep its text.
    ///
    /// Magento's count of uses trails, and cancelled orders go out of it. Orders are looked at last, so that none comes after.
    pub async fn end_discount(&self, end: &DiscountEnd) -> Result<EndedDiscount, Failure> {
        let code = end.code.as_str();
        let receipt = match self.coupon(code).await? {
            None => Receipt(format!("no code {code}")),
            Some(found) => {
                let own = self.own(found).await?;
                let body = json!({ "codes": [code], "ignoreInvalidCoupons": true });
                let deleted: Deleted = self.send(Method::POST, &["coupons", "deleteByCodes"], body).await?;
                if !deleted.failed_items.is_empty() {
                    return Err(transient(format!("Magento could not delete the code {code}")));
                }
                own.into_receipt()
            }
        };
        Ok(EndedDiscount { receipt, was_used: self.has_used(code).await? })
    }

    /// Gives store credit as a code that is worth it. The receipt names the code, which nobody else can make.
    pub async fn change_store_credit(&self, effect: &EffectId, change: &StoreCredit) -> Result<Receipt, Failure> {
        if change.amount.minor <= 0 {
            return Err(permanent("Magento's store credit is given as codes, of which nothing can be taken"));
        }
        let code = self.codes.code(effect, CREDIT_CODE_CHARS);
        self.worth(&change.customer, &code, change.amount, change.expires_at).await
    }

    /// Makes a gift card as a code that is worth it.
    pub async fn create_gift_card(&self, card: &NewGiftCard) -> Result<Receipt, Failure> {
        self.worth(&card.customer, &card.code, card.amount, card.ends_at).await
    }

    async fn worth(
        &self,
        customer: &CustomerId,
        code: &str,
        amount: Money,
        ends_at: Option<Timestamp>,
    ) -> Result<Receipt, Failure> {
        let discount = NewDiscount {
            customer: Some(customer.clone()),
            code: code.into(),
            benefit: Benefit::Amount(amount),
            minimum_subtotal: None,
            collections: Vec::new(),
            products: Vec::new(),
            starts_at: Timestamp(0),
            ends_at,
            uses: Some(1),
            once_per_customer: false,
            combines: true,
            offer: false,
        };
        self.create_discount(&discount).await?;
        Ok(Receipt(format!("code {code}")))
    }

    pub(super) async fn coupon(&self, code: &str) -> Result<Option<Coupon>, Failure> {
        let search = Search::new().limited(1).and(("code", "eq", code));
        Ok(self.list(&["coupons", "search"], &search).await?.into_iter().next())
    }

    /// A coupon, if it stands under a rule of ours.
    async fn own(&self, coupon: Coupon) -> Result<Coupon, Failure> {
        match self.is_own_rule(coupon.rule_id).await? {
            true => Ok(coupon),
            false => Err(permanent(format!(
                "the code {} belongs to another cart price rule ({}): delete or rename it there, then retry",
                coupon.code, coupon.rule_id
            ))),
        }
    }

    async fn has_used(&self, code: &str) -> Result<bool, Failure> {
        #[derive(Deserialize)]
        struct Used {}
        let search = Search::new().limited(1).and(("coupon_code", "eq", code)).and(("state", "neq", "canceled"));
        let used: Vec<Used> = self.list(&["orders"], &search.only("items[entity_id]")).await?;
        Ok(!used.is_empty())
    }
}

/// A coupon under an auto-generated rule, which takes any number of them.
pub(super) fn coupon_of(discount: &NewDiscount, rule: u64, views: &Views) -> Result<Value, Failure> {
    let mut coupon = json!({ "rule_id": rule, "code": discount.code, "type": 1, "is_primary": false, "times_used": 0 });
    if let Some(ends_at) = discount.ends_at {
        // Its end is the first moment at which it is no longer good, and Magento's the last day on which it is.
        let last_day = views.day_of(ends_at.saturating_sub(Duration::from_millis(1)))?;
        coupon["expiration_date"] = format!("{last_day} 00:00:00").into();
    }
    Ok(coupon)
}

#[derive(Deserialize)]
pub(super) struct Coupon {
    coupon_id: u64,
    pub(super) rule_id: u64,
    code: String,
}

impl Coupon {
    fn into_receipt(self) -> Receipt {
        Receipt(format!("coupon {}", self.coupon_id))
    }
}

#[derive(Deserialize)]
struct Deleted {
    failed_items: Vec<String>,
}
