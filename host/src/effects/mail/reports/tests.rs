//! Reports as mail servers write them: what is read of each, and that nothing else is taken for one.

use proptest::prelude::*;

use super::*;

const EFFECT: &str = "abcdefghijklmnopqrstuvwxyz";

/// A bounce as RFC 3464 draws it: for people, for programs, and the mail's headers.
fn bounce(action: &str, status: &str) -> String {
    format!(
        "From: Mail Delivery System <mailer-daemon@mx.example>\r\n\
         To: hello@fern.example\r\n\
         Subject: Undelivered Mail\r\n\
         MIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"cut\"\r\n\
         \r\n\
         --cut\r\n\
         Content-Type: text/plain\r\n\
         \r\n\
         Your message could not be delivered.\r\n\
         --cut\r\n\
         Content-Type: message/delivery-status\r\n\
         \r\n\
         Reporting-MTA: dns; mx.example\r\n\
         Arrival-Date: Fri, 27 Nov 2026 09:00:00 +0000\r\n\
         \r\n\
         Final-Recipient: rfc822; mira@example.com\r\n\
         Action: {action}\r\n\
         Status: {status}\r\n\
         Diagnostic-Code: smtp; 550 {status}\r\n\
         \x20no such mailbox here\r\n\
         \r\n\
         --cut\r\n\
         Content-Type: text/rfc822-headers\r\n\
         \r\n\
         From: Fern <hello@fern.example>\r\n\
         Message-ID: <{EFFECT}@fern.example>\r\n\
         Subject: Tea\r\n\
         \r\n\
         --cut--\r\n"
    )
}

/// A complaint as RFC 5965 draws it, with the whole mail.
fn complaint(kind: &str) -> String {
    format!(
        "From: <feedback@mail.example>\r\n\
         To: <hello@fern.example>\r\n\
         Subject: FW: Tea\r\n\
         MIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=feedback-report; boundary=cut\r\n\
         \r\n\
         --cut\r\n\
         Content-Type: text/plain; charset=\"US-ASCII\"\r\n\
         \r\n\
         This is an email abuse report.\r\n\
         --cut\r\n\
         Content-Type: message/feedback-report\r\n\
         \r\n\
         Feedback-Type: {kind}\r\n\
         User-Agent: SomeGenerator/1.0\r\n\
         Version: 1\r\n\
         \r\n\
         --cut\r\n\
         Content-Type: message/rfc822\r\n\
         Content-Disposition: inline\r\n\
         \r\n\
         From: Fern <hello@fern.example>\r\n\
         To: mira@example.com\r\n\
         Message-ID: <{EFFECT}@fern.example>\r\n\
         Subject: Tea\r\n\
         MIME-Version: 1.0\r\n\
         Content-Type: text/plain\r\n\
         \r\n\
         Tea is ready.\r\n\
         --cut--\r\n"
    )
}

fn finding(raw: &str) -> Finding {
    let report = read(raw.as_bytes()).unwrap();
    assert_eq!(report.effect.as_str(), EFFECT);
    report.finding
}

#[test]
fn a_bounce_tells_whether_there_is_such_a_mailbox() {
    let detail = "failed 5.1.1: smtp; 550 5.1.1 no such mailbox here".into();
    assert_eq!(finding(&bounce("failed", "5.1.1")), Finding::Bounced { bounce: Bounce::Hard, detail });
    for status in ["4.2.2", "5.2.2", "5.7.1", "nonsense"] {
        let found = finding(&bounce("failed", status));
        assert!(matches!(found, Finding::Bounced { bounce: Bounce::Soft, .. }), "{status}: {found:?}");
    }
    for action in ["delayed", "delivered", "relayed", "expanded"] {
        let found = finding(&bounce(action, "4.4.1"));
        assert!(matches!(found, Finding::Nothing { .. }), "{action}: {found:?}");
    }
}

#[test]
fn a_complaint_is_one_whatever_it_complains_of_unless_it_is_none() {
    for kind in ["abuse", "Fraud", "other", "virus"] {
        assert!(matches!(finding(&complaint(kind)), Finding::Complaint { .. }), "{kind}");
    }
    for kind in ["not-spam", "auth-failure"] {
        assert!(matches!(finding(&complaint(kind)), Finding::Nothing { .. }), "{kind}");
    }
}

#[test]
fn a_report_that_returns_nothing_is_known_by_what_it_answers() {
    let returned = bounce("failed", "5.1.1").replace("Message-ID", "X-Gone");
    assert!(matches!(read(returned.as_bytes()), Err(ReportError::NoMail)));
    let answers = returned.replacen("Subject:", &format!("In-Reply-To: <{EFFECT}@fern.example>\r\nSubject:"), 1);
    assert!(matches!(finding(&answers), Finding::Bounced { .. }));
}

#[test]
fn what_is_no_report_or_not_about_a_mail_of_ours_is_refused() {
    let plain = format!("From: a@example.com\r\nIn-Reply-To: <{EFFECT}@fern.example>\r\n\r\nThank you!\r\n");
    assert!(matches!(read(plain.as_bytes()), Err(ReportError::NotReport)));
    assert!(matches!(read(b""), Err(ReportError::NotMail)));
    let foreign = bounce("failed", "5.1.1").replace(EFFECT, "not-ours");
    assert!(matches!(read(foreign.as_bytes()), Err(ReportError::NoMail)));
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes: Vec<u8>, at in 0..900_usize, flip: u8) {
        let _ = read(&bytes);
        for mut report in [bounce("failed", "5.1.1").into_bytes(), complaint("abuse").into_bytes()] {
            let at = at % report.len();
            report[at] ^= flip;
            let _ = read(&report);
            let _ = read(&report[..at]);
        }
    }
}
