//! Which tier a customer has by the sums, and until when. Pure arithmetic: the same whether a timer comes on time or late.

use serde::{Deserialize, Serialize};

use crate::{
    calendar::Day,
    ladder::{Ladder, Need, Rung},
    settings::Downgrade,
    sums::Sums,
};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    pub tier: String,
    /// What the tier asked for when it was entered: its place, should it be taken out of the settings.
    pub need: Need,
    /// The day on which the term began.
    pub from: Day,
    /// The first day on which the term is over; none for a tier that asks for nothing.
    pub until: Option<Day>,
}

impl Standing {
    fn enter(ladder: &Ladder, rung: &Rung, from: Day) -> Self {
        Self { tier: rung.tier.clone(), need: rung.need, from, until: ladder.ends(rung, from) }
    }
}

/// What has come of an evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluated {
    pub standing: Option<Standing>,
    /// A term has ended and the customer has earned the next.
    pub renewed: bool,
}

/// The standing as of today. Terms that are over are seen to first, in their order; then the customer may go up.
pub fn evaluate(ladder: &Ladder, sums: &Sums, standing: Option<Standing>, today: Day) -> Evaluated {
    let mut standing = standing.and_then(|it| placed(ladder, it, today));
    let mut renewed = false;
    while let Some(held) = &standing {
        let (Some(index), Some(until)) = (ladder.index(&held.tier), held.until.filter(|it| *it <= today)) else {
            break;
        };
        let rung = &ladder.rungs[index];
        let stays = ladder.meets(rung.retain, ladder.retention(sums, until, today));
        let dropped_on = until.plus(ladder.grace_days);
        if stays || ladder.downgrade == Downgrade::None {
            renewed = stays;
            standing = Some(Standing::enter(ladder, rung, until));
        } else if today < dropped_on {
            break;
        } else {
            renewed = false;
            let qualified = ladder.qualified(sums, dropped_on);
            let lower = match ladder.downgrade {
                Downgrade::OneDown => qualified.max(index.checked_sub(1)),
                _ => qualified,
            };
            standing = lower.map(|lower| Standing::enter(ladder, &ladder.rungs[lower], dropped_on));
        }
    }
    let held = standing.as_ref().and_then(|it| ladder.index(&it.tier));
    let qualified = ladder.qualified(sums, today);
    if qualified > held {
        renewed = false;
        standing = qualified.map(|index| Standing::enter(ladder, &ladder.rungs[index], today));
    }
    Evaluated { standing, renewed }
}

/// The standing after a payment was lost: what the tier was won with, less that payment, has to suffice.
pub fn without_lost_payment(ladder: &Ladder, sums: &Sums, standing: Option<Standing>, today: Day) -> Option<Standing> {
    let held = standing?;
    let index = ladder.index(&held.tier)?;
    let rung = &ladder.rungs[index];
    let qualified = ladder.qualified(sums, today);
    if qualified >= Some(index) || ladder.meets(rung.retain, ladder.since(sums, held.from, today)) {
        return Some(held);
    }
    qualified.map(|lower| Standing::enter(ladder, &ladder.rungs[lower], today))
}

/// The standing by the settings of today. A tier that is not among them any more becomes the highest that asks for no more
/// than it did; one that asks for something now, and for nothing before, has a term from today on.
fn placed(ladder: &Ladder, standing: Standing, today: Day) -> Option<Standing> {
    let fits = |rung: &&Rung| rung.need.spend <= standing.need.spend && rung.need.orders <= standing.need.orders;
    let rung = match ladder.index(&standing.tier) {
        Some(index) => &ladder.rungs[index],
        None => ladder.rungs.iter().rfind(fits)?,
    };
    let until = match rung.need == Need::default() {
        true => None,
        false => standing.until.or_else(|| ladder.ends(rung, today)),
    };
    Some(Standing { tier: rung.tier.clone(), until, ..standing })
}
