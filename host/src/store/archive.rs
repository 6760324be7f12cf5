//! The archive of mails as sent, on a [`Log`].

use bytes::Bytes;

use super::{Archive, Error, Log, Position, Submitted};

impl Archive for Log {
    fn append(&self, record: Vec<u8>) -> Submitted<Result<Position, Error>> {
        Self::append(self, &record)
    }

    fn get(&self, position: Position) -> Result<Option<Bytes>, Error> {
        Self::get(self, position)
    }
}
