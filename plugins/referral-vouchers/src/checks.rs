//! What can speak against paying for a referral, and how much each weighs.

use serde::{Deserialize, Serialize};

/// One check that did not pass, with what it was found by: which signal, never whose address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub check: Check,
    pub evidence: String,
}

impl Finding {
    pub fn new(check: Check, evidence: impl Into<String>) -> Self {
        Self { check, evidence: evidence.into() }
    }
}

/// In order of weight, and of how much each says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    OrderGone,
    Cancelled,
    AdvocateGone,
    SameCustomer,
    FriendPaid,
    MonthlyCap,
    SameEmail,
    SamePhone,
    EarlierOrder,
    AlreadyReferred,
    EachOther,
    Banned,
    ExcludedTag,
    AdvocateWithoutOrder,
    LinkExpired,
    BelowMinimum,
    UnknownBuyer,
    DisputeLost,
    SameIpAgent,
    SameDevice,
    SameAddress,
    Similar,
    ManyBuyers,
    Burst,
    DisposableEmail,
    NoVisit,
    Household,
    /// Nothing is known of the buyer that could be compared.
    Unchecked,
    Disputed,
}

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Somebody has to look at it.
    Flag,
    /// Nothing is paid unless the merchant approves.
    Block,
    /// Nothing is paid.
    Bar,
}

impl Check {
    pub fn weight(self) -> Weight {
        match self {
            Self::OrderGone
            | Self::Cancelled
            | Self::AdvocateGone
            | Self::SameCustomer
            | Self::FriendPaid
            | Self::MonthlyCap => Weight::Bar,
            Self::SameEmail
            | Self::SamePhone
            | Self::EarlierOrder
            | Self::AlreadyReferred
            | Self::EachOther
            | Self::Banned
            | Self::ExcludedTag
            | Self::AdvocateWithoutOrder
            | Self::LinkExpired
            | Self::BelowMinimum
            | Self::UnknownBuyer
            | Self::DisputeLost => Weight::Block,
            Self::SameIpAgent
            | Self::SameDevice
            | Self::SameAddress
            | Self::Similar
            | Self::ManyBuyers
            | Self::Burst
            | Self::DisposableEmail
            | Self::NoVisit
            | Self::Household
            | Self::Unchecked
            | Self::Disputed => Weight::Flag,
        }
    }

    /// Whether no later fact can take it back.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Cancelled | Self::SameCustomer | Self::AdvocateGone)
    }

    /// Whether it is found by what is known of the buyer as a person, which may be forgotten.
    pub fn is_personal(self) -> bool {
        matches!(
            self,
            Self::SameEmail
                | Self::SamePhone
                | Self::EarlierOrder
                | Self::ExcludedTag
                | Self::SameIpAgent
                | Self::SameDevice
                | Self::SameAddress
                | Self::Similar
                | Self::ManyBuyers
                | Self::DisposableEmail
                | Self::NoVisit
                | Self::Household
                | Self::Unchecked
        )
    }

    /// As the merchant reads it.
    pub fn label(self) -> &'static str {
        match self {
            Self::OrderGone => "Order deleted",
            Self::Cancelled => "Order cancelled",
            Self::AdvocateGone => "Advocate no longer known",
            Self::SameCustomer => "Same customer",
            Self::FriendPaid => "Friend already rewarded for",
            Self::MonthlyCap => "Monthly limit reached",
            Self::SameEmail => "Same e-mail address",
            Self::SamePhone => "Same phone number",
            Self::EarlierOrder => "Not a new customer",
            Self::AlreadyReferred => "Already referred",
            Self::EachOther => "Referred each other",
            Self::Banned => "Banned",
            Self::ExcludedTag => "Excluded tag",
            Self::AdvocateWithoutOrder => "Advocate has no order",
            Self::LinkExpired => "Link opened too long ago",
            Self::BelowMinimum => "Below the minimum order",
            Self::UnknownBuyer => "Buyer unknown",
            Self::DisputeLost => "Payment taken back",
            Self::SameIpAgent => "Same internet address and browser",
            Self::SameDevice => "Same device",
            Self::SameAddress => "Same shipping address",
            Self::Similar => "Similar name or e-mail address",
            Self::ManyBuyers => "Many buyers at one internet address",
            Self::Burst => "Many referrals at once",
            Self::DisposableEmail => "Disposable e-mail address",
            Self::NoVisit => "Code without a visit",
            Self::Household => "Household already referred",
            Self::Unchecked => "Nothing to compare",
            Self::Disputed => "Payment in dispute",
        }
    }
}
