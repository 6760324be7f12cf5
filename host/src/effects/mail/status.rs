//! Enhanced mail system status codes (RFC 3463): whether a mail that came back tells of a dead mailbox.

/// Three numbers, such as 5.1.1: how final, about what, and which detail of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Status {
    class: u16,
    subject: u16,
    detail: u16,
}

/// What a failure says of the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bounce {
    /// Nobody reads mail there.
    Hard,
    /// This mail failed, another may not.
    Soft,
}

/// The status that a text begins with, as answers of mail servers do.
pub(super) fn beginning(text: &str) -> Option<Status> {
    let code = text.split_whitespace().next()?;
    let mut numbers = code.split('.').map(|number| number.parse::<u16>().ok());
    let status = Status { class: numbers.next()??, subject: numbers.next()??, detail: numbers.next()?? };
    (matches!(status.class, 2 | 4 | 5) && numbers.next().is_none()).then_some(status)
}

impl Status {
    /// What it means that a mail failed with this; `None` if it is no failure.
    ///
    /// A permanent failure is one of this mail. It tells of the address where it is about the mailbox or its domain;
    /// what is about the sender, the mail's size, its content or a policy says nothing of who reads there.
    pub fn bounce(self) -> Option<Bounce> {
        match (self.class, self.subject, self.detail) {
            // The sender's own address is at fault.
            (5, 1, 7 | 8) => Some(Bounce::Soft),
            // No such mailbox or domain, a mailbox that is disabled, a domain that cannot be found, and what servers
            // say that have no finer words.
            (5, 1, _) | (5, 2, 1) | (5, 4, 4) | (5, 0, 0) => Some(Bounce::Hard),
            (4 | 5, ..) => Some(Bounce::Soft),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_mailbox_is_told_from_a_mail_that_was_not_wanted() {
        let bounce = |text: &str| beginning(text).and_then(Status::bounce);
        for text in ["5.1.1 No such mailbox", "5.1.2", "5.1.10", "5.2.1 Disabled", "5.4.4", "5.0.0 undeliverable"] {
            assert_eq!(bounce(text), Some(Bounce::Hard), "{text}");
        }
        for text in ["5.2.2 Full", "4.2.2", "5.7.1 Policy", "5.3.4 Too big", "4.4.7 Expired", "5.1.8", "5.6.0"] {
            assert_eq!(bounce(text), Some(Bounce::Soft), "{text}");
        }
        assert_eq!(bounce("2.0.0 OK"), None);
        for text in ["", "550 No such mailbox", "5.1", "5.1.1.1", "6.1.1", "5.x.1", "No"] {
            assert_eq!(beginning(text), None, "{text}");
        }
    }
}
