//! Comments on orders: for people who pack and serve, and in place of an order's tags, which Magento does not have.
//!
//! An order only gains comments, and a comment is found again by the effect's mark in it.

use axum::http::Method;
use serde::Deserialize;
use serde_json::json;

use super::{RestClient, number, permanent, text::storable};
use crate::{
    domain::{EffectId, OrderNote, OrderTagChange},
    platform::{
        Failure, Receipt,
        marks::{mark_of, marked},
    },
};

/// What a comment begins and ends with that lists all tags of an order.
const TAGS: (&str, &str) = ("Tags: ", " (Regulars)");

impl RestClient {
    /// Adds a comment to an order, unless one has the effect's mark.
    pub async fn add_order_note(&self, effect: &EffectId, note: &OrderNote) -> Result<Receipt, Failure> {
        let order = number(note.order.as_str())?;
        let _turn = self.changes.lock().await;
        if !self.comments_of(order).await?.iter().any(|comment| comment.contains(&mark_of(effect))) {
            self.comment(order, &marked(&storable(&note.text), effect)).await?;
        }
        Ok(Receipt(format!("order {order}")))
    }

    /// Changes an order's tags: the last comment that lists them says which it has.
    pub async fn change_order_tags(&self, change: &OrderTagChange) -> Result<Receipt, Failure> {
        let order = number(change.order.as_str())?;
        let _turn = self.changes.lock().await;
        let comments = self.comments_of(order).await?;
        let (before, after) = TAGS;
        let list = comments.iter().rev().find_map(|it| it.strip_prefix(before)?.strip_suffix(after));
        let held = Tags::read(list.unwrap_or_default());
        let wanted = held.changed(&change.add, &change.remove);
        if wanted != held {
            self.comment(order, &format!("{before}{}{after}", wanted.list())).await?;
        }
        Ok(Receipt(format!("order {order}")))
    }

    /// Writes a comment, for whoever has the turn and has looked for it.
    pub(super) async fn comment(&self, order: &str, text: &str) -> Result<(), Failure> {
        let path = ["orders", order, "comments"];
        self.is_answered(&path)?;
        let comment = json!({
            "comment": text,
            "parent_id": order.parse::<u64>().map_err(|_| no_order())?,
            "is_customer_notified": 0,
            "is_visible_on_front": 0,
        });
        match self.write::<bool>(Method::POST, &path, json!({ "statusHistory": comment })).await? {
            true => Ok(()),
            false => Err(permanent("Magento has not taken the comment")),
        }
    }

    /// An order's comments, oldest first.
    pub(super) async fn comments_of(&self, order: &str) -> Result<Vec<String>, Failure> {
        let listed: Option<Listed> = self.find(&["orders", order, "comments"]).await?;
        let mut comments = listed.ok_or_else(no_order)?.items;
        comments.sort_by_key(|comment| comment.entity_id);
        Ok(comments.into_iter().filter_map(|comment| comment.comment).collect())
    }
}

pub(super) fn no_order() -> Failure {
    permanent("there is no such order")
}

/// Tags as one text lists them, equal whatever their case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tags(Vec<String>);

impl Tags {
    pub(super) fn read(list: &str) -> Self {
        Self(list.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect())
    }

    /// With some added, then without others.
    pub(super) fn changed<T: AsRef<str>>(&self, add: &[T], remove: &[T]) -> Self {
        let plain = |tag: &T| storable(tag.as_ref()).replace(',', " ").trim().to_owned();
        let is_same = |one: &str, other: &str| one.to_lowercase() == other.to_lowercase();
        let mut tags = self.0.clone();
        for tag in add.iter().map(plain).filter(|tag| !tag.is_empty()) {
            if !tags.iter().any(|held| is_same(held, &tag)) {
                tags.push(tag);
            }
        }
        let gone: Vec<_> = remove.iter().map(plain).collect();
        tags.retain(|tag| !gone.iter().any(|gone| is_same(gone, tag)));
        Self(tags)
    }

    pub(super) fn list(&self) -> String {
        self.0.join(", ")
    }
}

#[derive(Deserialize)]
struct Listed {
    items: Vec<Comment>,
}

#[derive(Deserialize)]
struct Comment {
    entity_id: u64,
    comment: Option<String>,
}
