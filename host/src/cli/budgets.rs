//! `plugin budget`: bounds on what a plugin gives away in a store.

use axum::http::Method;
use clap::Args;
use serde_json::{Value, json};

use super::{
    Listing, Result,
    client::{Client, segment},
    print,
    stores::path,
};

#[derive(Args)]
#[command(after_help = "Examples: at most 50.00 a month and ten gifts in all

  regulars plugin budget fern.myshopify.com parcel-surprise --set money/month=5000 --set gifts/ever=10
  regulars plugin budget fern.myshopify.com parcel-surprise --drop gifts/ever

Kinds are mails, money (in the currency's minor unit), gifts, tasks, and what the plugin counts itself, such as points.
Periods are day, month and ever. What would pass a bound is not given.")]
pub struct Budget {
    /// The store's permanent domain.
    store: String,
    plugin: String,
    /// Sets a bound, in the place of one of that kind and period.
    #[arg(long, value_name = "KIND/PERIOD=LIMIT", value_parser = bound)]
    set: Vec<Bound>,
    /// Takes a bound away.
    #[arg(long, value_name = "KIND/PERIOD", value_parser = place)]
    drop: Vec<Place>,
    #[command(flatten)]
    listing: Listing,
}

/// What a bound is on: its kind and its period.
type Place = (String, String);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Bound {
    place: Place,
    limit: u64,
}

fn place(text: &str) -> Result<Place, String> {
    let (kind, period) = text.split_once('/').ok_or("write a kind and a period, such as `money/month`")?;
    Ok((kind.to_owned(), period.to_owned()))
}

fn bound(text: &str) -> Result<Bound, String> {
    let (on, limit) = text.split_once('=').ok_or("write what it is on and the most, such as `money/month=5000`")?;
    let limit = limit.parse().map_err(|_| format!("`{limit}` is no whole number"))?;
    Ok(Bound { place: place(on)?, limit })
}

pub async fn run(client: &Client, budget: Budget) -> Result {
    let address = format!("{}/plugins/{}/budgets", path(&budget.store), segment(&budget.plugin));
    let standing = match budget.set.is_empty() && budget.drop.is_empty() {
        true => client.get(&address).await?,
        false => {
            let bounds = changed(&client.get(&address).await?, budget.set, &budget.drop);
            client.send(Method::PUT, &address, &bounds).await?
        }
    };
    let columns = [
        ("KIND", "/kind"),
        ("PERIOD", "/period"),
        ("LIMIT", "/limit"),
        ("USED", "/used"),
        ("UNTIL", "/until"),
        ("WARNING", "/warning"),
    ];
    print::list(budget.listing, &standing, &columns);
    Ok(())
}

/// The bounds there are, without those that are dropped, with those that are set.
fn changed(standing: &Value, set: Vec<Bound>, dropped: &[Place]) -> Value {
    let is_at = |row: &Value, place: &Place| row["kind"] == *place.0 && row["period"] == *place.1;
    let gone = |row: &Value| dropped.iter().chain(set.iter().map(|bound| &bound.place)).any(|place| is_at(row, place));
    let kept = standing.as_array().into_iter().flatten().filter(|row| !gone(row));
    let kept = kept.map(|row| json!({ "kind": row["kind"], "period": row["period"], "limit": row["limit"] }));
    let new = set
        .iter()
        .map(|Bound { place: (kind, period), limit }| json!({ "kind": kind, "period": period, "limit": limit }));
    kept.chain(new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_set_in_the_place_of_the_one_there_was() {
        let standing = json!([
            { "kind": "money", "period": "month", "limit": 5000, "used": 10 },
            { "kind": "mails", "period": "day", "limit": 5, "used": 0 },
            { "kind": "gifts", "period": "ever", "limit": 1, "used": 1 },
        ]);
        let set = vec![bound("money/month=7000").unwrap(), bound("points/day=10").unwrap()];
        let bounds = changed(&standing, set, &[place("gifts/ever").unwrap()]);
        let expected = json!([
            { "kind": "mails", "period": "day", "limit": 5 },
            { "kind": "money", "period": "month", "limit": 7000 },
            { "kind": "points", "period": "day", "limit": 10 },
        ]);
        assert_eq!(bounds, expected);
        for text in ["money=5", "money/month", "money/month=5.5", "money/month=-1"] {
            assert!(bound(text).is_err(), "{text}");
        }
    }
}
