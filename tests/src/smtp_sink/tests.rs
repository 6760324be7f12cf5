//! The mail sink, in conversation with a real client and with a rude one.

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    message::{MultiPart, header},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use super::*;
use crate::DEADLINE;

const TEXT: &str = ".Dotted\r\n..\r\nGrüße";
const HTML: &str = "<p>Grüße</p>";

type Transport = AsyncSmtpTransport<Tokio1Executor>;

fn transport(sink: &SmtpSink) -> Transport {
    Transport::builder_dangerous("127.0.0.1").port(sink.address().port()).timeout(Some(DEADLINE)).build()
}

fn mail(to: &str, subject: &str) -> lettre::Message {
    lettre::Message::builder()
        .from("Shop <shop@example.com>".parse().unwrap())
        .to(to.parse().unwrap())
        .message_id(Some(format!("<{subject}@example.com>")))
        .subject(subject)
        .multipart(MultiPart::alternative_plain_html(TEXT.to_owned(), HTML.to_owned()))
        .unwrap()
}

/// A client that says just what it is told.
struct Rude(BufReader<TcpStream>);

impl Rude {
    async fn connected(sink: &SmtpSink) -> Self {
        let mut client = Self(BufReader::new(TcpStream::connect(sink.address()).await.unwrap()));
        assert!(client.answer().await.starts_with("220 "));
        client
    }

    async fn say(&mut self, text: &str) -> String {
        self.0.write_all(text.as_bytes()).await.unwrap();
        self.answer().await
    }

    /// The last line of an answer; empty when the connection is closed.
    async fn answer(&mut self) -> String {
        loop {
            let mut line = String::new();
            tokio::time::timeout(DEADLINE, self.0.read_line(&mut line)).await.unwrap().unwrap();
            if line.as_bytes().get(3) != Some(&b'-') {
                return line;
            }
        }
    }
}

#[tokio::test]
async fn a_real_client_delivers_a_mail_that_is_kept_and_parsed() {
    let sink = SmtpSink::start().unwrap();
    transport(&sink).send(mail("Ann <ann@example.org>", "Welcome")).await.unwrap();
    let messages = sink.wait_for(1, DEADLINE).await.unwrap();
    let message = &messages[0];
    assert_eq!(message.envelope_from, "shop@example.com");
    assert_eq!(message.envelope_to, ["ann@example.org"]);
    assert_eq!(message.message_id.as_deref(), Some("Welcome@example.com"));
    assert_eq!(message.subject.as_deref(), Some("Welcome"));
    assert_eq!(message.text.as_deref(), Some(TEXT));
    assert_eq!(message.html.as_deref(), Some(HTML));
    assert_eq!(message.header("to"), Some("Ann <ann@example.org>"));
    assert_eq!(message.violations, Vec::<String>::new());
    assert_eq!(sink.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn stuffed_dots_are_taken_off_once() {
    let sink = SmtpSink::start().unwrap();
    let mut client = Rude::connected(&sink).await;
    assert!(client.say("EHLO test\r\n").await.starts_with("250 SIZE"));
    // Pipelined: one packet, an answer each.
    let commands = "MAIL FROM:<a@example.com> SIZE=100 BODY=7BIT\r\nRCPT TO:<b@example.com>\r\nDATA\r\n";
    assert!(client.say(commands).await.starts_with("250 "));
    assert!(client.answer().await.starts_with("250 "));
    assert!(client.answer().await.starts_with("354 "));
    assert!(client.say("Subject: x\r\n\r\n..one\r\n...two\r\n.three\r\n.\r\n").await.starts_with("250 "));
    assert!(client.say("quit\r\n").await.starts_with("221 "));
    assert_eq!(sink.messages()[0].raw, b"Subject: x\r\n\r\n.one\r\n..two\r\nthree\r\n");
}

#[tokio::test]
async fn what_a_mail_lacks_is_named() {
    let sink = SmtpSink::start().unwrap();
    let html_only = lettre::Message::builder()
        .from("shop@example.com".parse().unwrap())
        .to("ann@example.org".parse().unwrap())
        .subject("x")
        .header(header::ContentType::TEXT_HTML)
        .body(String::from("<p>x</p>"))
        .unwrap();
    transport(&sink).send(html_only).await.unwrap();
    let mut client = Rude::connected(&sink).await;
    client.say("HELO test\r\n").await;
    client.say("MAIL FROM:<a@example.com>\r\n").await;
    client.say("RCPT TO:<b@example.com>\r\n").await;
    client.say("DATA\r\n").await;
    let body = "From: a@example.com\r\nMessage-ID: <one>\r\nMIME-Version: 1.0\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\
        Content-Type: multipart/alternative; boundary=b\r\n\r\n\
        --b\r\nContent-Type: text/html\r\n\r\n<p>\u{e9}</p>\r\n--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--\r\n.\r\n";
    assert!(client.say(body).await.starts_with("250 "));
    let messages = sink.messages();
    let expected = [
        "0 headers Message-ID where there should be one",
        "0 headers MIME-Version where there should be one",
        "HTML without a plain text",
    ];
    assert_eq!(messages[0].violations, expected);
    let expected = [
        "0 headers Date where there should be one",
        "0 headers To where there should be one",
        "Message-ID is not of the form <left@right>: <one>",
        "List-Unsubscribe-Post without an https address in List-Unsubscribe",
        "multipart/alternative does not begin with text/plain",
        "8-bit octets without BODY=8BITMIME",
    ];
    assert_eq!(messages[1].violations, expected);
}

#[tokio::test]
async fn commands_out_of_order_or_misspelt_are_refused_and_noted() {
    let sink = SmtpSink::start().unwrap();
    let mut client = Rude::connected(&sink).await;
    let steps = [
        ("MAIL FROM:<a@example.com>\r\n", "503"),
        ("EHLO\r\n", "501"),
        ("EHLO test\r\n", "250"),
        ("RCPT TO:<b@example.com>\r\n", "503"),
        ("DATA\r\n", "503"),
        ("MAIL FROM: <a@example.com>\r\n", "501"),
        ("MAIL FROM:<a@example.com> AUTH=x\r\n", "555"),
        ("MAIL FROM:<a@example.com> SIZE=99999999\r\n", "552"),
        ("MAIL FROM:<>\r\n", "250"),
        ("MAIL FROM:<a@example.com>\r\n", "503"),
        ("RCPT TO:<>\r\n", "501"),
        ("RCPT TO:<gr\u{fc}n@example.com>\r\n", "501"),
        ("STARTTLS\r\n", "502"),
        ("NOOP\n", "500"),
    ];
    let mut refused = 0;
    for (command, code) in steps {
        let answer = client.say(command).await;
        assert!(answer.starts_with(code), "{command:?}: {answer}");
        refused += usize::from(code != "250");
    }
    assert!(client.say(&format!("NOOP {}\r\n", "x".repeat(600))).await.starts_with("500 "));
    assert!(client.say("RSET\r\n").await.starts_with("250 "));
    assert_eq!(sink.violations().len(), refused + 1);
    assert!(sink.messages().is_empty());
}

#[tokio::test]
async fn a_message_with_bad_line_ends_or_long_lines_is_refused() {
    let sink = SmtpSink::start().unwrap();
    let mut client = Rude::connected(&sink).await;
    client.say("EHLO test\r\n").await;
    let long = format!("Subject: x\r\n\r\n{}\r\n.\r\n", "x".repeat(999));
    for (body, code) in [("Subject: x\n\r\n.\r\n", "554"), ("Subject: \rx\r\n\r\n.\r\n", "554"), (&long, "500")] {
        client.say("MAIL FROM:<a@example.com>\r\n").await;
        client.say("RCPT TO:<b@example.com>\r\n").await;
        assert!(client.say("DATA\r\n").await.starts_with("354 "));
        let answer = client.say(body).await;
        assert!(answer.starts_with(code), "{answer}");
    }
    assert!(sink.messages().is_empty());
    assert_eq!(sink.violations().len(), 3);
}

#[tokio::test]
async fn a_refused_message_can_be_sent_again() {
    let sink = SmtpSink::start().unwrap();
    sink.set_fault(Fault::RefuseData, 1);
    let client = transport(&sink);
    let refused = client.send(mail("ann@example.org", "Again")).await.unwrap_err();
    assert!(refused.is_transient(), "{refused}");
    assert!(sink.messages().is_empty());
    client.send(mail("ann@example.org", "Again")).await.unwrap();
    assert_eq!(sink.messages().len(), 1);
}

#[tokio::test]
async fn a_connection_dropped_after_acceptance_leaves_the_message() {
    let sink = SmtpSink::start().unwrap();
    sink.set_fault(Fault::DropAfterAccepting, 1);
    assert!(transport(&sink).send(mail("ann@example.org", "Kept")).await.is_err());
    let kept =
        sink.wait_until(DEADLINE, |messages| messages.iter().any(|m| m.subject.as_deref() == Some("Kept"))).await;
    assert_eq!(kept.unwrap().len(), 1);
}

#[tokio::test]
async fn a_rejected_recipient_is_refused_for_good() {
    let sink = SmtpSink::start().unwrap();
    sink.reject_recipient("gone@example.org");
    let client = transport(&sink);
    let refused = client.send(mail("Gone@example.org", "No")).await.unwrap_err();
    assert!(refused.is_permanent(), "{refused}");
    client.send(mail("ann@example.org", "Yes")).await.unwrap();
    assert_eq!(sink.messages().len(), 1);
    assert_eq!(sink.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn waiting_ends_at_the_deadline_and_stopping_closes_connections() {
    let sink = SmtpSink::start().unwrap();
    let deadline = Duration::from_millis(1);
    assert_eq!(sink.wait_for(1, deadline).await, Err(TimedOut { after: deadline }));
    let mut client = Rude::connected(&sink).await;
    sink.stop();
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(DEADLINE, client.0.read_to_end(&mut rest)).await.unwrap();
    assert!(closed.is_err() || rest.is_empty());
}
