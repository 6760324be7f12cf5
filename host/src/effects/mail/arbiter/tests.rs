//! The arbiter's laws over random histories of one person's mails, and its words one by one.

use proptest::prelude::*;

use super::*;
use crate::domain::Suppression;

const HOUR: u64 = 3_600_000;

/// 07:00 UTC on 22 March 2026: a week before clocks are set forward in Europe.
const START: u64 = 1_774_162_800_000;

fn night() -> QuietHours {
    QuietHours::new(jiff::civil::time(21, 0, 0, 0), jiff::civil::time(8, 0, 0, 0)).unwrap()
}

fn rules() -> Rules {
    Rules { per_day: Some(1), per_week: Some(3), quiet: Some(night()) }
}

/// A mail to the one person of a history.
#[derive(Clone, Debug)]
struct Planned {
    purpose: Purpose,
    arrives: Timestamp,
    valid: Duration,
}

impl Planned {
    fn valid_until(&self) -> Timestamp {
        self.arrives + self.valid
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum End {
    Sent(Timestamp),
    Dropped(DropReason, Timestamp),
}

/// One person's mails through the arbiter as the outbox drives it: what is deferred comes again when it is due.
fn run(mails: &[Planned], contact: &mut Contact, rules: &Rules, zone: &TimeZone) -> Vec<End> {
    let ids: Vec<EffectId> = (0..mails.len()).map(|index| format!("{index:04}").into()).collect();
    let rank = |index: usize| (mails[index].purpose, mails[index].arrives, index);
    let mut due: Vec<Option<Timestamp>> = mails.iter().map(|mail| Some(mail.arrives)).collect();
    let mut ends: Vec<Option<End>> = vec![None; mails.len()];
    let mut tries = 0;
    while let Some((now, index)) = due.iter().enumerate().filter_map(|(index, at)| Some(((*at)?, index))).min() {
        tries += 1;
        assert!(tries < 10_000, "the mails never come to an end");
        let mail = &mails[index];
        let waits = |other: &usize| {
            mails[*other].purpose.is_marketing()
                && due[*other].is_some_and(|at| at <= now)
                && rank(*other) < rank(index)
        };
        let candidate = Candidate {
            effect: &ids[index],
            plugin: &"points".into(),
            purpose: mail.purpose,
            valid_until: mail.valid_until(),
            accepts_marketing: Some(true),
            consented_at: None,
            zone,
            ahead: (0..mails.len()).filter(waits).count(),
        };
        match decide(&candidate, contact, rules, now) {
            Decision::Send => {
                contact.claim(ids[index].clone(), "7".into(), now, mail.purpose.is_marketing());
                (due[index], ends[index]) = (None, Some(End::Sent(now)));
            }
            Decision::Defer { until, hold } => {
                assert!(until > now || hold == Hold::Others, "{hold} ends at once");
                due[index] = Some(until.max(now + Duration::from_millis(250)));
            }
            Decision::Drop(reason) => (due[index], ends[index]) = (None, Some(End::Dropped(reason, now))),
        }
    }
    ends.into_iter().map(|end| end.expect("every mail comes to an end")).collect()
}

fn planned() -> impl Strategy<Value = Planned> {
    let purposes = prop::sample::select(Purpose::ALL.to_vec());
    // Three weeks, in which clocks are set; validity from hours to a month.
    (purposes, 0..21 * 24 * 4_u64, 1..30 * 24_u64).prop_map(|(purpose, quarter, valid_hours)| Planned {
        purpose,
        arrives: Timestamp(START + quarter * HOUR / 4),
        valid: Duration::from_secs(valid_hours * 3_600),
    })
}

fn zones() -> impl Strategy<Value = TimeZone> {
    let names = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo", "Pacific/Chatham", "America/St_Johns"];
    prop::sample::select(names.to_vec()).prop_map(|name| TimeZone::get(name).unwrap())
}

fn any_rules() -> impl Strategy<Value = Rules> {
    let cap = |most| prop::option::of(1..=most);
    (cap(3_u32), cap(6_u32), prop::option::of(Just(night()))).prop_map(|(per_day, per_week, quiet)| Rules {
        per_day,
        per_week,
        quiet,
    })
}

/// The most of these times that lie in one span.
fn most_within(times: &[Timestamp], span: Duration) -> usize {
    let within = |first: &Timestamp| times.iter().filter(|time| *time >= first && **time < *first + span).count();
    times.iter().map(within).max().unwrap_or(0)
}

proptest! {
    #[test]
    fn no_history_passes_a_cap_or_wakes_anybody_and_every_mail_is_sent_or_dropped_with_a_reason(
        mails in prop::collection::vec(planned(), 0..40),
        zone in zones(),
        rules in any_rules(),
        pause in prop::option::of(0..40 * 24_u64),
    ) {
        let paused_until = pause.map(|hours| Timestamp(START + hours * HOUR));
        let mut contact = Contact { paused_until, ..Contact::default() };
        let ends = run(&mails, &mut contact, &rules, &zone);
        let mut marketing = Vec::new();
        for (mail, end) in mails.iter().zip(&ends) {
            match end {
                End::Sent(at) if mail.purpose.is_marketing() => {
                    marketing.push(*at);
                    prop_assert!(*at >= mail.arrives && *at < mail.valid_until());
                    prop_assert!(paused_until.is_none_or(|until| *at >= until));
                    let instant = jiff::Timestamp::from_millisecond(at.0 as i64).unwrap();
                    let clock = zone.to_datetime(instant).time();
                    prop_assert!(rules.quiet.is_none_or(|quiet| !quiet.holds(clock)), "sent at {}", clock);
                }
                End::Sent(at) => prop_assert_eq!(*at, mail.arrives, "what is no marketing is never deferred"),
                End::Dropped(reason, _) => {
                    prop_assert!(mail.purpose.is_marketing());
                    prop_assert!(matches!(reason, DropReason::TooLate(_)), "{}", reason);
                }
            }
        }
        prop_assert!(rules.per_day.is_none_or(|cap| most_within(&marketing, DAY) <= cap as usize));
        prop_assert!(rules.per_week.is_none_or(|cap| most_within(&marketing, WEEK) <= cap as usize));
    }

    #[test]
    fn of_mails_that_wait_together_the_higher_purpose_goes_first_and_then_the_older(
        purposes in prop::collection::vec(prop::sample::select(Purpose::ALL[2..].to_vec()), 1..12),
        zone in zones(),
    ) {
        let year = Duration::from_secs(365 * 86_400);
        let mails: Vec<_> = (0..).zip(&purposes).map(|(index, purpose)| Planned {
            purpose: *purpose,
            // While it is quiet in each of the zones.
            arrives: Timestamp(START + 16 * HOUR + index),
            valid: year,
        }).collect();
        let all_but_an_hour = QuietHours::new(jiff::civil::time(12, 0, 0, 0), jiff::civil::time(11, 0, 0, 0)).unwrap();
        let rules = Rules { quiet: Some(all_but_an_hour), ..rules() };
        let ends = run(&mails, &mut Contact::default(), &rules, &zone);
        let mut order: Vec<_> = (0..mails.len()).collect();
        order.sort_by_key(|index| match ends[*index] {
            End::Sent(at) => at,
            End::Dropped(..) => panic!("nothing is dropped within a year"),
        });
        let ranks: Vec<_> = order.iter().map(|index| (mails[*index].purpose, mails[*index].arrives)).collect();
        prop_assert!(ranks.is_sorted(), "{:?}", ranks);
    }
}

/// What becomes of a win-back mail at noon.
fn decided(change: impl FnOnce(&mut Candidate<'_>, &mut Contact)) -> Decision {
    let (effect, plugin) = ("mail".into(), "points".into());
    let mut contact = Contact::default();
    let mut candidate = Candidate {
        effect: &effect,
        plugin: &plugin,
        purpose: Purpose::WinBack,
        valid_until: Timestamp(START + 100 * HOUR),
        accepts_marketing: Some(true),
        consented_at: Some(Timestamp(START)),
        zone: &TimeZone::UTC,
        ahead: 0,
    };
    change(&mut candidate, &mut contact);
    decide(&candidate, &contact, &rules(), noon())
}

fn noon() -> Timestamp {
    Timestamp(START + 5 * HOUR)
}

fn suppressed(cause: SuppressionCause) -> Option<Suppression> {
    Some(Suppression { cause, since: Timestamp(START), detail: String::new() })
}

#[test]
fn marketing_needs_consent_and_service_needs_none() {
    assert_eq!(decided(|_, _| ()), Decision::Send);
    assert_eq!(decided(|mail, _| mail.accepts_marketing = None), Decision::Drop(DropReason::ConsentUnknown));
    assert_eq!(decided(|mail, _| mail.accepts_marketing = Some(false)), Decision::Drop(DropReason::ConsentRefused));
    for purpose in [Purpose::Transactional, Purpose::Service] {
        let told = decided(|mail, contact| {
            (mail.purpose, mail.accepts_marketing, mail.ahead) = (purpose, Some(false), 9);
            contact.unsubscribed_at = Some(noon());
            contact.paused_until = Some(Timestamp(u64::MAX));
            contact.claim("earlier".into(), "7".into(), noon(), true);
        });
        assert_eq!(told, Decision::Send, "{purpose:?}");
    }
}

#[test]
fn who_has_unsubscribed_gets_no_marketing_until_they_consent_anew() {
    let left_at = |at: u64| decided(|_, contact| contact.unsubscribed_at = Some(Timestamp(at)));
    assert_eq!(left_at(START), Decision::Drop(DropReason::Unsubscribed));
    assert_eq!(left_at(START - 1), Decision::Send, "consent came later");
    let never_dated = decided(|mail, contact| {
        mail.consented_at = None;
        contact.unsubscribed_at = Some(Timestamp(1));
    });
    assert_eq!(never_dated, Decision::Drop(DropReason::Unsubscribed));
}

#[test]
fn a_topic_that_is_off_stops_its_own_plugin_alone() {
    let off = |name: &'static str| decided(move |_, contact| _ = contact.topics_off.insert(name.into()));
    assert_eq!(off("points"), Decision::Drop(DropReason::TopicOff("points".into())));
    assert_eq!(off("birthday-mail"), Decision::Send);
}

#[test]
fn a_dead_mailbox_gets_nothing_and_other_suppressions_stop_marketing() {
    use SuppressionCause::{Complaint, HardBounce, SoftBounces};
    for (cause, purpose, passes) in [
        (HardBounce, Purpose::Transactional, false),
        (HardBounce, Purpose::WinBack, false),
        (SoftBounces, Purpose::Service, true),
        (SoftBounces, Purpose::WinBack, false),
        (Complaint, Purpose::Service, true),
        (Complaint, Purpose::WinBack, false),
    ] {
        let told = decided(|mail, contact| (mail.purpose, contact.suppression) = (purpose, suppressed(cause)));
        let expected = if passes { Decision::Send } else { Decision::Drop(DropReason::Suppressed(cause)) };
        assert_eq!(told, expected, "{cause:?} {purpose:?}");
    }
}

#[test]
fn what_is_over_a_cap_waits_for_the_next_free_slot_or_is_dropped_where_its_time_ends_before() {
    let day = 24 * HOUR;
    let after = |earlier: Timestamp, valid_until: u64| {
        decided(move |mail, contact| {
            contact.claim("earlier".into(), "7".into(), earlier, true);
            mail.valid_until = Timestamp(valid_until);
        })
    };
    let an_hour_ago = Timestamp(noon().0 - HOUR);
    let free = Timestamp(an_hour_ago.0 + day);
    let hold = Hold::PerDay(1);
    assert_eq!(after(an_hour_ago, free.0 + 1), Decision::Defer { until: free, hold });
    assert_eq!(after(an_hour_ago, free.0), Decision::Drop(DropReason::TooLate(Some(hold))));
    assert_eq!(after(Timestamp(noon().0 - day), u64::MAX), Decision::Send, "a day is over");
    // The slot that becomes free at night is moved on to the morning.
    let late = Timestamp(noon().0 - 14 * HOUR);
    let morning = Timestamp(START + 25 * HOUR);
    assert_eq!(after(late, u64::MAX), Decision::Defer { until: morning, hold });
}

#[test]
fn a_mail_waits_for_those_ahead_of_it_where_the_caps_leave_too_few_slots() {
    let behind = |ahead| decided(move |mail, _| mail.ahead = ahead);
    assert_eq!((behind(0), behind(1)), (Decision::Send, Decision::Defer { until: noon(), hold: Hold::Others }));
}

#[test]
fn a_try_of_the_mail_that_holds_the_slot_is_not_kept_back_by_itself() {
    let told = decided(|_, contact| contact.claim("mail".into(), "7".into(), Timestamp(noon().0 - HOUR), true));
    assert_eq!(told, Decision::Send);
}

#[test]
fn every_reason_says_what_it_is() {
    let holds = [Hold::PerDay(1), Hold::PerWeek(3), Hold::Night(night()), Hold::Pause, Hold::Others];
    let mut words: Vec<_> = holds.iter().map(ToString::to_string).collect();
    words.extend(holds.map(|hold| DropReason::TooLate(Some(hold)).to_string()));
    assert_eq!(words[2], "it is quiet from 21:00 to 08:00 where the recipient lives");
    assert_eq!(
        words[5],
        "the cap on marketing mails, 1 in 24 hours, is reached, and its time is over before that ends"
    );
}
