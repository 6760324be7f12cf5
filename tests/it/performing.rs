//! Effects as a platform's client performs them, whichever platform's it is: tried once, tried until done, refused.

use std::time::Duration;

use regulars::{
    clock::Manual,
    domain::{
        Benefit, ConsentChange, DiscountBatch, DiscountEnd, EffectId, EffectKind, Metafield, Money, NewDiscount,
        StoreCredit, Timestamp as Moment,
    },
    platform::{Client, Failure, Receipt},
};

/// Far more than a call can be on its way.
pub const LATER: Duration = Duration::from_secs(600);

/// A host with a client of one shop.
pub trait Performing {
    fn client(&self) -> &Client;

    fn clock(&self) -> &Manual;

    async fn perform(&self, id: &str, kind: &EffectKind) -> Result<Receipt, Failure> {
        let (client, id) = (self.client(), EffectId::from(id));
        match kind {
            EffectKind::CreateDiscount(it) => client.create_discount(&id, it).await,
            EffectKind::CreateDiscounts(it) => client.create_discounts(&id, it).await,
            EffectKind::DisableDiscount(it) => client.end_discount(it, None).await.map(|ended| ended.receipt),
            EffectKind::StoreCredit(it) => client.change_store_credit(&id, it).await,
            EffectKind::CreateGiftCard(it) => client.create_gift_card(&id, it).await,
            EffectKind::ChangeTags(it) => client.change_tags(it).await,
            EffectKind::ChangeOrderTags(it) => client.change_order_tags(it).await,
            EffectKind::AddOrderNote(it) => client.add_order_note(&id, it).await,
            EffectKind::AddParcelGift(it) => client.add_parcel_gift(&id, it).await,
            EffectKind::SetShipBy(it) => client.set_ship_by(&id, it).await,
            EffectKind::SetMetafield(it) => client.set_metafield(it, &|| Ok(true)).await,
            EffectKind::SetBirthday(it) => client.set_birthday(it, &|| Ok(true)).await,
            EffectKind::SetConsent(it) => client.set_consent(it, &|| Ok(true)).await,
            EffectKind::Mail(_) => unreachable!("no platform sends mails"),
        }
    }

    /// Tries until it is done, as the outbox does.
    async fn perform_at_last(&self, id: &str, kind: &EffectKind) -> Receipt {
        for _ in 0..5 {
            match self.perform(id, kind).await {
                Ok(receipt) => return receipt,
                Err(failure) => assert!(!matches!(failure, Failure::Permanent { .. }), "{failure}"),
            }
            self.clock().advance(LATER);
        }
        panic!("{} is never done", kind.name());
    }

    async fn refusal(&self, id: &str, kind: &EffectKind) -> String {
        match self.perform(id, kind).await {
            Err(Failure::Permanent { reason }) => reason,
            other => panic!("{other:?}"),
        }
    }
}

pub fn eur(minor: i64) -> Money {
    Money::new(minor, "EUR".parse().unwrap())
}

/// 5.00 off, once, for customer 7.
pub fn discount(code: &str) -> NewDiscount {
    NewDiscount {
        customer: Some("7".into()),
        code: code.into(),
        benefit: Benefit::Amount(eur(500)),
        minimum_subtotal: None,
        collections: vec![],
        products: vec![],
        starts_at: Moment(1_790_000_000_000),
        ends_at: None,
        uses: Some(1),
        once_per_customer: true,
        combines: false,
        offer: false,
    }
}

/// Terms that are otherwise in everything that both platforms' codes have.
pub fn discount_for_all() -> NewDiscount {
    NewDiscount {
        customer: None,
        minimum_subtotal: Some(eur(2_000)),
        collections: vec!["81".into()],
        uses: None,
        once_per_customer: false,
        combines: true,
        ends_at: Some(Moment(1_800_000_000_000)),
        benefit: Benefit::BasisPoints(1_234),
        ..discount("FOR-ALL")
    }
}

/// So many codes of the same terms, for whoever has one of them: CARD-1, CARD-2, and so on.
pub fn cards(count: usize) -> DiscountBatch {
    let first = NewDiscount { customer: None, benefit: Benefit::BasisPoints(1_000), ..discount("CARD-1") };
    DiscountBatch { first, others: (2..=count).map(|number| format!("CARD-{number}")).collect() }
}

pub fn end_of(code: &str) -> EffectKind {
    EffectKind::DisableDiscount(DiscountEnd { made_by: "made".into(), code: code.into() })
}

pub fn credit(minor: i64) -> EffectKind {
    EffectKind::StoreCredit(StoreCredit { customer: "7".into(), amount: eur(minor), expires_at: None })
}

/// Customer 7's word on marketing mail.
pub fn consent(accepts_marketing: bool) -> ConsentChange {
    ConsentChange { customer: "7".into(), accepts_marketing, said_at: Moment(1_790_000_000_000) }
}

pub fn points(value: &str) -> Metafield {
    Metafield {
        customer: "7".into(),
        plugin: "loyalty-points".into(),
        key: "points_balance".into(),
        kind: "integer".into(),
        value: value.into(),
    }
}
