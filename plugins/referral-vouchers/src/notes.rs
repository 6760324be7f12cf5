//! The why of each delivery, as the merchant reads it.

use regulars_sdk::{Context, Result, limits::NOTE_BYTES};

use crate::{
    checks::Check,
    claim::{Because, Claim, Status, Via},
};

/// Records a reason about a claim. What is known of it comes behind `fields`.
pub fn about(cx: &mut Context, reason: &str, claim: &Claim, fields: &[(&str, &str)]) -> Result {
    let version = claim.settings.to_string();
    let amount = claim.terms.amount.to_string();
    let via = match &claim.via {
        Via::Link(name) => ["link ", name].concat(),
        Via::Code(code) => ["code ", code].concat(),
    };
    let mut all = vec![("order", claim.name.as_str())];
    all.extend_from_slice(fields);
    let own = [("advocate", claim.advocate.as_str()), ("by", &via), ("reward", &amount), ("settings", &version)];
    all.extend(own);
    let mut bytes = reason.len() + all.iter().map(length).sum::<usize>();
    for finding in &claim.findings {
        let field = (finding.check.label(), finding.evidence.as_str());
        bytes += length(&field);
        if bytes > NOTE_BYTES {
            break;
        }
        all.push(field);
    }
    Ok(cx.note(reason, &all)?)
}

fn length((name, value): &(&str, &str)) -> usize {
    name.len() + value.len()
}

/// Why nothing was paid, in one line.
pub fn void_reason(because: Because) -> &'static str {
    match because {
        Because::Rejected => "Nothing is paid: the merchant rejected the referral",
        Because::Deadline => "Nothing is paid: the referral was flagged and nobody decided in time",
        Because::Check(check) => match check {
            Check::OrderGone => "Nothing is paid: the order is gone",
            Check::Cancelled => "Nothing is paid: the order was cancelled",
            Check::AdvocateGone => "Nothing is paid: the advocate is no longer known",
            Check::SameCustomer => "Nothing is paid: advocate and friend are one customer",
            Check::FriendPaid => "Nothing is paid: a reward was already given for this friend",
            Check::MonthlyCap => "Nothing is paid: the advocate's monthly limit is reached",
            Check::BelowMinimum => "Nothing is paid: what is left of the order is below the minimum",
            Check::LinkExpired => "Nothing is paid: the link was opened too long ago",
            Check::DisputeLost => "Nothing is paid: the payment was taken back",
            _ => "Nothing is paid: a check blocks the referral",
        },
    }
}

/// What holds of a claim that nothing can be changed about any more.
pub fn settled_reason(claim: &Claim) -> &'static str {
    match claim.status {
        Status::Void(because) => void_reason(because),
        Status::Paid => "Nothing to do: the reward is paid",
        Status::Held | Status::Review | Status::Owed => "The referral is still open",
    }
}
