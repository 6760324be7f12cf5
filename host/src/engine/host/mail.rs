//! `mail`: a message to a customer from one of the plugin's templates.

use super::super::{
    bindings::{mail, types::Refusal},
    delivery::Delivery,
    limits,
};
use crate::domain::{EffectId, EffectKind, Mail};

impl mail::Host for Delivery {
    fn send(&mut self, message: mail::Message) -> wasmtime::Result<Result<String, Refusal>> {
        if let Err(refusal) = self.granted("mail").and_then(|()| self.check(&message)) {
            return Ok(Err(refusal));
        }
        let mail = Mail {
            customer: message.customer_id.into(),
            template: message.template,
            vars: message.vars.into_iter().collect(),
        };
        let queued = self.queue(EffectKind::Mail(mail), message.after.map(EffectId::from))?;
        Ok(queued.map(|id| id.to_string()))
    }
}

impl Delivery {
    fn check(&self, message: &mail::Message) -> Result<(), Refusal> {
        if !self.input.plugin.templates.contains(&message.template) {
            return Err(Refusal::Invalid(format!("template: the plugin's file has none named `{}`", message.template)));
        }
        if message.vars.len() > limits::MAIL_VARS as usize {
            return Err(Refusal::OverLimit(limits::MAIL_VARS));
        }
        if message.vars.iter().any(|(name, value)| name.len() + value.len() > limits::MAIL_VAR_BYTES as usize) {
            return Err(Refusal::OverLimit(limits::MAIL_VAR_BYTES));
        }
        Ok(())
    }
}
