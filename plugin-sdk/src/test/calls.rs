//! The record of what a plugin does in a bench.

use std::ops::Deref;

use crate::{Benefit, Birthday, EffectId, Mail, MetafieldValue, Money, NewDiscount, ParcelGift, Task, Timestamp};

/// One thing a plugin did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// Queued a mail.
    Mail {
        /// The effect's id.
        id: EffectId,
        /// The mail.
        mail: Mail,
    },
    /// Queued a discount code.
    Discount {
        /// The effect's id.
        id: EffectId,
        /// The code that the plugin was told.
        code: String,
        /// The discount.
        discount: NewDiscount,
    },
    /// Queued many codes at once.
    Discounts {
        /// The effect's id.
        id: EffectId,
        /// The codes that the plugin was told.
        codes: Vec<String>,
        /// What each of them is.
        discount: NewDiscount,
    },
    /// Queued the end of a code, or of many.
    DisableDiscount {
        /// The effect's id.
        id: EffectId,
        /// The effect that made the code.
        made_by: EffectId,
    },
    /// Queued a change of a customer's store credit.
    StoreCredit {
        /// The effect's id.
        id: EffectId,
        /// Whose.
        customer_id: String,
        /// Negative where it is taken.
        amount: Money,
        /// When it ends.
        expires_at: Option<Timestamp>,
    },
    /// Queued a gift card.
    GiftCard {
        /// The effect's id.
        id: EffectId,
        /// The code that the plugin was told.
        code: String,
        /// Whose.
        customer_id: String,
        /// What it is worth.
        amount: Money,
        /// When it ends.
        ends_at: Option<Timestamp>,
    },
    /// Queued a change of a customer's tags.
    Tags {
        /// The effect's id.
        id: EffectId,
        /// Whose tags.
        customer_id: String,
        /// Tags to put on.
        add: Vec<String>,
        /// Tags to take off.
        remove: Vec<String>,
    },
    /// Queued a line for an order's note.
    OrderNote {
        /// The effect's id.
        id: EffectId,
        /// Which order's.
        order_id: String,
        /// The line.
        text: String,
    },
    /// Queued a change of an order's tags.
    OrderTags {
        /// The effect's id.
        id: EffectId,
        /// Which order's.
        order_id: String,
        /// Tags to put on.
        add: Vec<String>,
        /// Tags to take off.
        remove: Vec<String>,
    },
    /// Queued a gift for a parcel.
    Gift {
        /// The effect's id.
        id: EffectId,
        /// The gift.
        gift: ParcelGift,
    },
    /// Queued a time by which an order is to be sent.
    ShipBy {
        /// The effect's id.
        id: EffectId,
        /// Which order.
        order_id: String,
        /// The time.
        at: Timestamp,
    },
    /// Queued a value to be shown at the platform.
    Metafield {
        /// The effect's id.
        id: EffectId,
        /// On whom.
        customer_id: String,
        /// Under which name.
        key: String,
        /// The value.
        value: MetafieldValue,
    },
    /// Queued a birthday for the platform's own field.
    Birthday {
        /// The effect's id.
        id: EffectId,
        /// Whose.
        customer_id: String,
        /// The day.
        birthday: Birthday,
    },
    /// Took back an effect that was not done yet.
    Withdraw {
        /// The effect.
        effect: EffectId,
    },
    /// Asked the merchant.
    OpenTask(Task),
    /// Took a question back.
    CloseTask {
        /// The task's key.
        key: String,
    },
    /// Recorded why.
    Note(Note),
    /// Set a timer.
    Schedule {
        /// The timer's key.
        key: String,
        /// When it is due.
        when: Timestamp,
        /// What it carries.
        payload: Vec<u8>,
    },
    /// Took a pending timer back.
    Cancel {
        /// The timer's key.
        key: String,
    },
}

impl Call {
    /// The id of the effect that the call queued, if it queued one.
    pub fn effect(&self) -> Option<&EffectId> {
        match self {
            Self::Mail { id, .. }
            | Self::Discount { id, .. }
            | Self::Discounts { id, .. }
            | Self::DisableDiscount { id, .. }
            | Self::StoreCredit { id, .. }
            | Self::GiftCard { id, .. }
            | Self::Tags { id, .. }
            | Self::OrderNote { id, .. }
            | Self::OrderTags { id, .. }
            | Self::Gift { id, .. }
            | Self::ShipBy { id, .. }
            | Self::Metafield { id, .. }
            | Self::Birthday { id, .. } => Some(id),
            Self::Withdraw { .. }
            | Self::OpenTask(_)
            | Self::CloseTask { .. }
            | Self::Note(_)
            | Self::Schedule { .. }
            | Self::Cancel { .. } => None,
        }
    }

    /// The kind of the effect that the call queued, as the host names it.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Mail { .. } => "mail",
            Self::Discount { .. } => "discount.create",
            Self::Discounts { .. } => "discount.create-many",
            Self::DisableDiscount { .. } => "discount.disable",
            Self::StoreCredit { .. } => "store-credit.change",
            Self::GiftCard { .. } => "gift-card.create",
            Self::Tags { .. } => "tags.change",
            Self::OrderNote { .. } => "order.note",
            Self::OrderTags { .. } => "order.tags",
            Self::Gift { .. } => "order.gift",
            Self::ShipBy { .. } => "order.ship-by",
            Self::Metafield { .. } => "metafield.set",
            Self::Birthday { .. } => "birthday.set",
            _ => "",
        }
    }

    /// The effect that made the code which this one ends.
    pub(super) fn made_by(&self) -> Option<&EffectId> {
        if let Self::DisableDiscount { made_by, .. } = self { Some(made_by) } else { None }
    }

    /// Whom the effect is for.
    pub(super) fn customer(&self) -> Option<&str> {
        match self {
            Self::Mail { mail, .. } => Some(&mail.customer_id),
            Self::Discount { discount, .. } => discount.customer_id.as_deref(),
            Self::StoreCredit { customer_id, .. }
            | Self::GiftCard { customer_id, .. }
            | Self::Tags { customer_id, .. }
            | Self::Metafield { customer_id, .. }
            | Self::Birthday { customer_id, .. } => Some(customer_id),
            _ => None,
        }
    }

    /// What the effect counts for against the merchant's budgets. A share of an order has no value before it is used.
    pub(super) fn cost(&self) -> Option<(&'static str, u64)> {
        let money = |amount: Money| ("money", u64::try_from(amount.minor).unwrap_or(0));
        match self {
            Self::Mail { .. } => Some(("mails", 1)),
            Self::Gift { .. } => Some(("gifts", 1)),
            Self::Discount { discount: NewDiscount { benefit: Benefit::Amount(value), .. }, .. } => Some(money(*value)),
            Self::Discounts { codes, discount: NewDiscount { benefit: Benefit::Amount(value), .. }, .. } => {
                let (kind, minor) = money(*value);
                Some((kind, minor.saturating_mul(codes.len() as u64)))
            }
            Self::StoreCredit { amount, .. } | Self::GiftCard { amount, .. } => Some(money(*amount)),
            _ => None,
        }
    }

    /// The order that the effect changes.
    pub(super) fn order(&self) -> Option<&str> {
        match self {
            Self::OrderNote { order_id, .. } | Self::OrderTags { order_id, .. } | Self::ShipBy { order_id, .. } => {
                Some(order_id)
            }
            Self::Gift { gift, .. } => Some(&gift.order_id),
            _ => None,
        }
    }
}

/// Why a plugin did what it did, or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The reason.
    pub reason: String,
    /// Its particulars, in the plugin's order.
    pub fields: Vec<(String, String)>,
}

impl Note {
    /// A field's value.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }
}

/// What a plugin did, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calls(pub(super) Vec<Call>);

impl Calls {
    /// The mails among them.
    pub fn mails(&self) -> impl Iterator<Item = &Mail> {
        self.iter().filter_map(|call| if let Call::Mail { mail, .. } = call { Some(mail) } else { None })
    }

    /// The discounts among them, but for those of which many codes were made at once.
    pub fn discounts(&self) -> impl Iterator<Item = &NewDiscount> {
        self.iter().filter_map(|call| if let Call::Discount { discount, .. } = call { Some(discount) } else { None })
    }

    /// The gifts among them.
    pub fn gifts(&self) -> impl Iterator<Item = &ParcelGift> {
        self.iter().filter_map(|call| if let Call::Gift { gift, .. } = call { Some(gift) } else { None })
    }

    /// The questions to the merchant among them.
    pub fn tasks(&self) -> impl Iterator<Item = &Task> {
        self.iter().filter_map(|call| if let Call::OpenTask(task) = call { Some(task) } else { None })
    }

    /// The notes among them.
    pub fn notes(&self) -> impl Iterator<Item = &Note> {
        self.iter().filter_map(|call| if let Call::Note(note) = call { Some(note) } else { None })
    }
}

impl Deref for Calls {
    type Target = [Call];

    fn deref(&self) -> &[Call] {
        &self.0
    }
}
