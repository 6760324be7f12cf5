//! Bodies of Magento's senders into our words: pure functions of topic, bytes and context.

use crate::{
    domain::{Change, Platform, ReadEvent, Topic},
    platform::{Context, Unreadable},
};

/// Reads a body. A topic that is not listed changes nothing, and its body is not looked at.
pub fn read(topic: &str, _: &[u8], _: &Context) -> Result<ReadEvent, Unreadable> {
    Ok(ReadEvent { topic: Topic::foreign(Platform::Magento, topic), change: Change::None })
}
