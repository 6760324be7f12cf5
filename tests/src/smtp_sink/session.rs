//! One SMTP conversation, by RFC 5321.

use std::{io, sync::Arc};

use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use super::{Desk, Fault, Message};

/// Longest command line with its line end: 512 octets (RFC 5321, 4.5.3.1.4) and 26 for the parameter SIZE (RFC 1870).
const COMMAND_LINE: u64 = 512 + 26;
/// Longest line of a message with its line end (RFC 5321, 4.5.3.1.6).
const TEXT_LINE: u64 = 1000;
/// Largest message, as offered with SIZE.
const MESSAGE_OCTETS: usize = 10 << 20;
/// Recipients of one message (RFC 5321, 4.5.3.1.8).
const RECIPIENTS: usize = 100;

const SERVICE_READY: &str = "220 sink.example.com ESMTP";
const OK: &str = "250 2.0.0 OK";
const BAD_SEQUENCE: &str = "503 5.5.1 Bad sequence of commands";

/// How far a client has come.
#[derive(Debug)]
enum Stage {
    /// Not greeted yet.
    Connected,
    Greeted,
    Mail(Envelope),
}

#[derive(Debug)]
struct Envelope {
    from: String,
    to: Vec<String>,
    /// `BODY=8BITMIME` was declared.
    eight_bit: bool,
}

/// What follows a command.
enum Next {
    Reply(String),
    /// Take the message in.
    Data,
    Quit,
}

/// What is wrong with a line as such.
#[derive(Clone, Copy, Debug)]
enum Flaw {
    BareLineFeed,
    BareCarriageReturn,
    TooLong,
}

impl Flaw {
    fn text(self) -> &'static str {
        match self {
            Self::BareLineFeed => "a line ends in a bare line feed",
            Self::BareCarriageReturn => "a line holds a bare carriage return",
            Self::TooLong => "a line is too long",
        }
    }
}

/// Serves one client until it leaves.
pub(super) async fn converse(stream: TcpStream, desk: Arc<Desk>) {
    // A client that goes away in the middle has its reasons; a test sees it by what is missing.
    let _ = serve(BufReader::new(stream), &desk).await;
}

async fn serve(mut stream: BufReader<TcpStream>, desk: &Desk) -> io::Result<()> {
    reply(&mut stream, SERVICE_READY).await?;
    let mut stage = Stage::Connected;
    while let Some(line) = read_line(&mut stream, COMMAND_LINE).await? {
        let next = match line {
            Ok(line) => obey(&String::from_utf8_lossy(&line), &mut stage, desk),
            Err(flaw) => refuse(desk, &format!("500 5.5.2 Syntax error: {}", flaw.text()), "a command"),
        };
        match next {
            Next::Reply(text) => reply(&mut stream, &text).await?,
            Next::Quit => return reply(&mut stream, "221 2.0.0 Bye").await,
            Next::Data => {
                let Stage::Mail(envelope) = std::mem::replace(&mut stage, Stage::Greeted) else { continue };
                let fault = desk.next_fault();
                if fault == Some(Fault::RefuseData) {
                    reply(&mut stream, "451 4.3.0 Local error in processing").await?;
                    continue;
                }
                reply(&mut stream, "354 End data with <CR><LF>.<CR><LF>").await?;
                let Some(taken) = take_message(&mut stream).await? else { return Ok(()) };
                match taken {
                    Ok(raw) => desk.keep(Message::read(envelope.from, envelope.to, raw, envelope.eight_bit)),
                    Err(answer) => {
                        desk.violation(format!("a message was refused: {answer}"));
                        reply(&mut stream, answer).await?;
                        continue;
                    }
                }
                if fault == Some(Fault::DropAfterAccepting) {
                    return Ok(());
                }
                reply(&mut stream, OK).await?;
            }
        }
    }
    Ok(())
}

async fn reply(stream: &mut BufReader<TcpStream>, text: &str) -> io::Result<()> {
    stream.write_all(format!("{text}\r\n").as_bytes()).await
}

/// Refuses a command, and notes that the client was wrong to send it.
fn refuse(desk: &Desk, answer: &str, command: &str) -> Next {
    desk.violation(format!("`{command}` was refused: {answer}"));
    Next::Reply(answer.into())
}

fn obey(line: &str, stage: &mut Stage, desk: &Desk) -> Next {
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    let refused = |answer: &str| refuse(desk, answer, line);
    match (verb.to_ascii_uppercase().as_str(), &mut *stage) {
        ("EHLO" | "HELO", _) if rest.trim().is_empty() => refused("501 5.5.4 Who are you?"),
        ("EHLO", _) => {
            *stage = Stage::Greeted;
            let lines = ["250-sink.example.com", "250-8BITMIME", "250-PIPELINING"].join("\r\n");
            Next::Reply(format!("{lines}\r\n250 SIZE {MESSAGE_OCTETS}"))
        }
        ("HELO", _) => {
            *stage = Stage::Greeted;
            Next::Reply("250 sink.example.com".into())
        }
        ("MAIL", Stage::Greeted) => match sender(rest) {
            Ok((from, eight_bit)) => {
                *stage = Stage::Mail(Envelope { from, to: vec![], eight_bit });
                Next::Reply(OK.into())
            }
            Err(answer) => refused(answer),
        },
        ("RCPT", Stage::Mail(envelope)) => match recipient(rest) {
            Ok(address) if desk.rejects(&address) => Next::Reply("550 5.1.1 No such mailbox".into()),
            Ok(_) if envelope.to.len() == RECIPIENTS => Next::Reply("452 4.5.3 Too many recipients".into()),
            Ok(address) => {
                envelope.to.push(address);
                Next::Reply(OK.into())
            }
            Err(answer) => refused(answer),
        },
        ("DATA", Stage::Mail(_)) if !rest.is_empty() => refused("501 5.5.4 DATA takes no parameter"),
        // A pipelining client sends DATA before it knows that every recipient was refused: no violation.
        ("DATA", Stage::Mail(envelope)) if envelope.to.is_empty() => {
            Next::Reply("554 5.5.1 No valid recipients".into())
        }
        ("DATA", Stage::Mail(_)) => Next::Data,
        ("MAIL" | "RCPT" | "DATA", _) => refused(BAD_SEQUENCE),
        ("RSET", _) => {
            if !matches!(stage, Stage::Connected) {
                *stage = Stage::Greeted;
            }
            Next::Reply(OK.into())
        }
        ("NOOP", _) => Next::Reply(OK.into()),
        ("VRFY", _) => Next::Reply("252 2.1.5 Cannot verify".into()),
        ("QUIT", _) => Next::Quit,
        _ => refused("502 5.5.1 Command not implemented"),
    }
}

/// `FROM:<address>` and its parameters; the flag is `BODY=8BITMIME`.
fn sender(text: &str) -> Result<(String, bool), &'static str> {
    let (address, parameters) = path(text, "FROM:")?;
    if !address.is_empty() && !is_address(&address) {
        return Err("501 5.1.7 Bad sender address");
    }
    let mut eight_bit = false;
    for parameter in parameters.split_ascii_whitespace() {
        match parameter.to_ascii_uppercase().split_once('=') {
            Some(("SIZE", size)) => match size.parse::<usize>() {
                Ok(size) if size <= MESSAGE_OCTETS => {}
                Ok(_) => return Err("552 5.3.4 Message too big"),
                Err(_) => return Err("501 5.5.4 SIZE is not a number"),
            },
            Some(("BODY", "8BITMIME")) => eight_bit = true,
            Some(("BODY", "7BIT")) => {}
            _ => return Err("555 5.5.4 Parameter not offered"),
        }
    }
    Ok((address, eight_bit))
}

/// `TO:<address>`
fn recipient(text: &str) -> Result<String, &'static str> {
    let (address, parameters) = path(text, "TO:")?;
    if !is_address(&address) {
        return Err("501 5.1.3 Bad recipient address");
    }
    if parameters.is_empty() { Ok(address) } else { Err("555 5.5.4 Parameter not offered") }
}

/// The address between angle brackets after `keyword`, and the rest of the line.
fn path<'a>(text: &'a str, keyword: &str) -> Result<(String, &'a str), &'static str> {
    let matches = text.get(..keyword.len()).is_some_and(|start| start.eq_ignore_ascii_case(keyword));
    let rest = if matches { text[keyword.len()..].strip_prefix('<') } else { None };
    let (address, parameters) = rest.and_then(|rest| rest.split_once('>')).ok_or("501 5.5.4 Syntax error")?;
    Ok((address.into(), parameters.trim()))
}

/// A plain ASCII mailbox: SMTPUTF8 is not offered.
fn is_address(text: &str) -> bool {
    let printable = text.bytes().all(|byte| byte.is_ascii_graphic());
    let parts = text.rsplit_once('@');
    printable && text.len() <= 254 && parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
}

/// The message after `DATA`, dots unstuffed, or the answer that refuses it; `None` if the client left in the middle.
async fn take_message(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Result<Vec<u8>, &'static str>>> {
    let mut raw = Vec::new();
    let mut refused = None;
    loop {
        let line = match read_line(stream, TEXT_LINE).await? {
            None => return Ok(None),
            Some(Ok(line)) => line,
            Some(Err(Flaw::TooLong)) => {
                refused = Some("500 5.6.0 A line is longer than 998 octets");
                continue;
            }
            Some(Err(Flaw::BareLineFeed)) => {
                refused = Some("554 5.6.0 A line ends in a bare line feed");
                continue;
            }
            Some(Err(Flaw::BareCarriageReturn)) => {
                refused = Some("554 5.6.0 A line holds a bare carriage return");
                continue;
            }
        };
        if line == b"." {
            return Ok(Some(refused.map_or(Ok(raw), Err)));
        }
        if raw.len() + line.len() > MESSAGE_OCTETS {
            refused = Some("552 5.3.4 Message too big");
            continue;
        }
        raw.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
        raw.extend_from_slice(b"\r\n");
    }
}

/// The next line without its end, or what is wrong with it; `None` at the end of the stream.
async fn read_line(stream: &mut (impl AsyncBufRead + Unpin), limit: u64) -> io::Result<Option<Result<Vec<u8>, Flaw>>> {
    let mut line = Vec::new();
    (&mut *stream).take(limit).read_until(b'\n', &mut line).await?;
    if line.last() != Some(&b'\n') {
        if (line.len() as u64) < limit {
            return Ok(None);
        }
        while line.last() != Some(&b'\n') {
            line.clear();
            if (&mut *stream).take(limit).read_until(b'\n', &mut line).await? == 0 {
                return Ok(None);
            }
        }
        return Ok(Some(Err(Flaw::TooLong)));
    }
    line.pop();
    if line.pop_if(|last| *last == b'\r').is_none() {
        return Ok(Some(Err(Flaw::BareLineFeed)));
    }
    Ok(Some(if line.contains(&b'\r') { Err(Flaw::BareCarriageReturn) } else { Ok(line) }))
}
