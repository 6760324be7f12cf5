//! `mail`: a message to a customer from one of the plugin's templates.

use std::time::Duration;

use super::super::{
    answer::{Answer, invalid, told},
    bindings::{mail, types::Refusal},
    checks::check_id,
    delivery::Delivery,
    limits,
};
use crate::{
    domain::{Effect, EffectId, EffectKind, Guard, Mail, Purpose, Timestamp},
    store::keys,
};

/// How long after its time a mail may still go out that states no end.
const VALID_FOR: Duration = Duration::from_secs(3 * 86_400);

impl mail::Host for Delivery {
    fn send(&mut self, message: mail::Message) -> wasmtime::Result<Result<String, Refusal>> {
        told(self.send_mail(message))
    }
}

impl Delivery {
    fn send_mail(&mut self, message: mail::Message) -> Answer<String> {
        self.granted("mail")?;
        self.check_content(&message)?;
        let (send_at, valid_until) = self.span(&message)?;
        let guards = message.guards.into_iter().map(|guard| self.read_guard(guard)).collect::<Answer<_>>()?;
        let mail = Mail {
            customer: message.customer_id.into(),
            template: message.template,
            vars: message.vars.into_iter().collect(),
            purpose: Purpose::of_word(&message.purpose),
            send_at,
            valid_until,
            guards,
        };
        Ok(self.queue(EffectKind::Mail(mail), message.after.map(EffectId::from))?.to_string())
    }

    fn check_content(&self, message: &mail::Message) -> Result<(), Refusal> {
        if !self.input.plugin.templates.contains(&message.template) {
            return Err(invalid(format!("template: the plugin's file has none named `{}`", message.template)));
        }
        if message.vars.len() > limits::MAIL_VARS as usize {
            return Err(Refusal::OverLimit(limits::MAIL_VARS));
        }
        if message.vars.iter().any(|(name, value)| name.len() + value.len() > limits::MAIL_VAR_BYTES as usize) {
            return Err(Refusal::OverLimit(limits::MAIL_VAR_BYTES));
        }
        if message.guards.len() > limits::MAIL_GUARDS as usize {
            return Err(Refusal::OverLimit(limits::MAIL_GUARDS));
        }
        Ok(())
    }

    /// From when and until when the mail may go out.
    fn span(&self, message: &mail::Message) -> Result<(Timestamp, Timestamp), Refusal> {
        let now = self.input.now();
        let send_at = message.send_at.map_or(now, |at| Timestamp(at).max(now));
        if send_at > now + limits::TIMER_AHEAD {
            let days = limits::TIMER_AHEAD.as_secs() / 86_400;
            return Err(invalid(format!("send-at: is more than {days} days ahead")));
        }
        let valid_until = message.valid_until.map_or(send_at + VALID_FOR, Timestamp);
        if valid_until <= send_at {
            return Err(invalid("valid-until: is not after the time to send it at"));
        }
        Ok((send_at, valid_until))
    }

    fn read_guard(&mut self, guard: mail::Guard) -> Answer<Guard> {
        let mail::Guard { kind, subject } = guard;
        check_id("guards: subject", &subject)?;
        Ok(match kind.as_str() {
            "no-order-since" => {
                let instant = subject.parse().map_err(|_| invalid(format!("guards: `{subject}` is no timestamp")))?;
                Guard::NoOrderSince(Timestamp(instant))
            }
            "order-not-cancelled" => Guard::OrderNotCancelled(subject.into()),
            "code-live" => {
                let effect = EffectId::from(subject);
                let making = self.get::<Effect>(&keys::effect(self.store_id(), &effect))?.map(|effect| effect.kind);
                if !matches!(making, Some(EffectKind::CreateDiscount(_))) {
                    return Err(invalid(format!("guards: no effect `{effect}` makes a code")).into());
                }
                Guard::CodeLive(effect)
            }
            "state" => Guard::State(subject),
            // One that cannot be looked at would let a mail out that must not go.
            _ => return Err(invalid(format!("guards: there is no kind `{kind}`")).into()),
        })
    }
}
