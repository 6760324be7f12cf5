//! The other sides, inside the process: the shops' Admin API and a mail server.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::http::{HeaderMap, HeaderValue, StatusCode, header::RETRY_AFTER};
use reqwest::Url;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream};

use super::{
    admin_api,
    faults::Broken,
    records::Records,
    world::{Call, START, World, lock},
};
use crate::{
    domain::Timestamp,
    effects::simulated::{Connect, Stream},
    platform::shopify::admin::simulated::{Answered, Peer},
};

/// How long a peer takes for a call at most, in milliseconds.
const SLOW: u64 = 30;

/// What the other sides have been made to do.
#[derive(Debug, Default)]
pub struct Performed {
    /// Discounts by code; more than one of a code is one too many.
    pub discounts: Mutex<BTreeMap<String, Vec<Discount>>>,
    /// Codes that have ended.
    pub ended: Mutex<BTreeSet<String>>,
    /// Tags by customer.
    pub tags: Mutex<BTreeMap<String, BTreeSet<String>>>,
    /// How often each Message-ID was taken, with its recipient.
    pub mails: Mutex<BTreeMap<String, (String, u32)>>,
    /// Calls that had an effect and whose reply was lost.
    pub lost: Mutex<u32>,
}

#[derive(Clone, Debug)]
pub struct Discount {
    pub title: String,
    /// The code can be found from then on: Shopify's index trails its writes.
    found_from: Timestamp,
}

/// Orders on a page of the listing at most: fewer than a shop has, so that there are several pages.
const PAGE: u64 = 3;

/// All shops of the platform.
#[derive(Debug)]
pub struct Shops {
    pub world: Arc<World>,
    pub performed: Arc<Performed>,
    /// What is known in each shop, by domain.
    pub records: BTreeMap<&'static str, Arc<Records>>,
}

impl Peer for Shops {
    fn post(&self, url: &Url, request: Value) -> Pin<Box<dyn Future<Output = Answered> + Send + '_>> {
        // A shop without a season is asked too, and has nothing to list.
        let records = url.host_str().and_then(|domain| self.records.get(domain)).map(Arc::clone).unwrap_or_default();
        Box::pin(async move {
            self.world.pause(SLOW).await;
            if self.world.is_dead() {
                std::future::pending::<()>().await;
            }
            let call = self.world.call();
            if call == Call::Refused {
                return refusal(&self.world);
            }
            if call == Call::Throttled {
                return Ok(throttled(&self.world));
            }
            let answer = self.perform(&records, &request);
            if self.world.dies_at("after a call of the shop") {
                std::future::pending::<()>().await;
            }
            self.world.pause(SLOW).await;
            match call {
                Call::Lost => {
                    *lock(&self.performed.lost) += 1;
                    Err("the connection broke")
                }
                Call::Silent => std::future::pending().await,
                _ => Ok((StatusCode::OK, HeaderMap::new(), answer.to_string().into_bytes())),
            }
        })
    }
}

fn refusal(world: &World) -> Answered {
    match world.random(|random| random.below(3)) {
        0 => Err("it cannot be connected to"),
        1 => Ok((StatusCode::BAD_GATEWAY, HeaderMap::new(), Vec::new())),
        _ => {
            let failed = json!({"errors": [{"message": "sorry", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]});
            Ok((StatusCode::OK, HeaderMap::new(), failed.to_string().into_bytes()))
        }
    }
}

fn throttled(world: &World) -> (StatusCode, HeaderMap, Vec<u8>) {
    if world.random(|random| random.chance(50)) {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static("2.0"))]);
        return (StatusCode::TOO_MANY_REQUESTS, headers, Vec::new());
    }
    let body = json!({
        "errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}],
        "extensions": {"cost": {"requestedQueryCost": 10, "throttleStatus": level(5)}},
    });
    (StatusCode::OK, HeaderMap::new(), body.to_string().into_bytes())
}

fn level(available: u64) -> Value {
    json!({"maximumAvailable": 1000.0, "currentlyAvailable": available, "restoreRate": 50.0})
}

impl Shops {
    fn perform(&self, records: &Records, request: &Value) -> Value {
        let query = request["query"].as_str().unwrap();
        let variables = &request["variables"];
        let data = if let Some(read) = self.read(records, query, variables) {
            read
        } else if query.contains("discountCodeBasicCreate") {
            json!({"discountCodeBasicCreate": self.create_discount(&variables["discount"])})
        } else if query.contains("discountCodeDeactivate") {
            json!({"discountCodeDeactivate": self.end_discount(variables["id"].as_str().unwrap())})
        } else if query.contains("codeDiscountNodeByCode") {
            json!({"codeDiscountNodeByCode": self.find_discount(variables["code"].as_str().unwrap())})
        } else if query.contains("DiscountCodeNode") {
            json!({"node": self.discount(code_of(variables["id"].as_str().unwrap()))})
        } else if query.contains("tagsAdd") {
            self.change_tags(variables, BTreeSet::insert);
            json!({"tagsAdd": {"userErrors": []}})
        } else {
            assert!(query.contains("tagsRemove"), "{query}");
            self.change_tags(variables, |tags, tag| tags.remove(&tag));
            json!({"tagsRemove": {"userErrors": []}})
        };
        let available = if self.world.chance(self.world.faults.throttled) { 5 } else { 900 };
        json!({
            "data": data,
            "extensions": {"cost": {"requestedQueryCost": 10, "throttleStatus": level(available)}},
        })
    }

    /// The answer to a query of orders or refunds; `None` if it is another.
    fn read(&self, records: &Records, query: &str, variables: &Value) -> Option<Value> {
        let now = self.world.time().0 - START.0;
        Some(match query.split_once('(')?.0 {
            "query ChangedOrders" => {
                let (behind, most) = self
                    .world
                    .random(|random| (random.between(0, self.world.faults.trailing), random.between(1, PAGE)));
                let mut page = admin_api::changed_orders(records, now.saturating_sub(behind), variables, most);
                if self.world.is_broken(Broken::PagesMissing) {
                    page["pageInfo"]["hasNextPage"] = false.into();
                }
                json!({"orders": page})
            }
            "query Order" => json!({"order": admin_api::order(records, now, variables)}),
            "query Refund" => json!({"refund": admin_api::refund(records, now, variables)}),
            "query ChangedProducts" => json!({"products": {"nodes": [], "pageInfo": {"hasNextPage": false}}}),
            _ => return None,
        })
    }

    fn create_discount(&self, input: &Value) -> Value {
        let code = input["code"].as_str().unwrap();
        let mut discounts = lock(&self.performed.discounts);
        let of_code = discounts.entry(code.to_owned()).or_default();
        if !of_code.is_empty() && !self.world.is_broken(Broken::CodesUnmarked) {
            return json!({"codeDiscountNode": null, "userErrors": [{"code": "TAKEN", "field": ["code"], "message": "taken"}]});
        }
        let lag = self.world.random(|random| random.between(0, 1_500));
        let found_from = self.world.time() + Duration::from_millis(lag);
        of_code.push(Discount { title: input["title"].as_str().unwrap().to_owned(), found_from });
        self.world.note(format_args!("the shop creates {code}"));
        json!({"codeDiscountNode": {"id": node_of(code)}, "userErrors": []})
    }

    fn find_discount(&self, code: &str) -> Value {
        let found_from =
            lock(&self.performed.discounts).get(code).and_then(|of_code| Some(of_code.first()?.found_from));
        match found_from {
            Some(found_from) if found_from <= self.world.time() => self.discount(code),
            _ => Value::Null,
        }
    }

    fn discount(&self, code: &str) -> Value {
        let discounts = lock(&self.performed.discounts);
        let Some(discount) = discounts.get(code).and_then(|of_code| of_code.first()) else { return Value::Null };
        let status = if lock(&self.performed.ended).contains(code) { "EXPIRED" } else { "ACTIVE" };
        json!({
            "id": node_of(code),
            "codeDiscount": {"title": discount.title, "status": status, "asyncUsageCount": 0},
        })
    }

    fn end_discount(&self, id: &str) -> Value {
        let code = code_of(id);
        assert!(lock(&self.performed.discounts).contains_key(code), "{code} was never made");
        lock(&self.performed.ended).insert(code.to_owned());
        self.world.note(format_args!("the shop ends {code}"));
        json!({"codeDiscountNode": {"id": id, "codeDiscount": {"asyncUsageCount": 0}}, "userErrors": []})
    }

    fn change_tags(&self, variables: &Value, change: impl Fn(&mut BTreeSet<String>, String) -> bool) {
        let customer = variables["id"].as_str().unwrap();
        let mut tags = lock(&self.performed.tags);
        let of_customer = tags.entry(customer.to_owned()).or_default();
        for tag in variables["tags"].as_array().unwrap() {
            change(of_customer, tag.as_str().unwrap().to_owned());
        }
        self.world.note(format_args!("the shop tags {customer}"));
    }
}

const NODE: &str = "gid://shopify/DiscountCodeNode/";

fn node_of(code: &str) -> String {
    format!("{NODE}{code}")
}

fn code_of(id: &str) -> &str {
    id.strip_prefix(NODE).unwrap()
}

/// Connections to a mail server.
pub fn mail_server(world: &Arc<World>, performed: &Arc<Performed>) -> Connect {
    let (world, performed) = (Arc::clone(world), Arc::clone(performed));
    Arc::new(move || {
        let (client, server) = tokio::io::duplex(16 << 10);
        let (world, performed) = (Arc::clone(&world), Arc::clone(&performed));
        // A client that hangs up has ended the conversation.
        tokio::spawn(async move { converse(&world, &performed, server).await.ok() });
        Box::new(Stream(client))
    })
}

async fn converse(world: &World, performed: &Performed, stream: DuplexStream) -> io::Result<()> {
    world.pause(SLOW).await;
    if world.is_dead() {
        std::future::pending::<()>().await;
    }
    let call = world.call();
    if call == Call::Refused && world.random(|random| random.chance(50)) {
        return Ok(());
    }
    let (reader, mut writer) = tokio::io::split(stream);
    let mut lines = BufReader::new(reader).lines();
    writer.write_all(b"220 fern\r\n").await?;
    let mut to = String::new();
    while let Some(line) = lines.next_line().await? {
        let answer = match line.split([' ', ':']).next() {
            Some("RCPT") if matches!(call, Call::Refused | Call::Throttled) => "451 come again",
            Some("RCPT") => {
                to = line;
                "250 ok"
            }
            Some("DATA") => {
                writer.write_all(b"354 go on\r\n").await?;
                let mut id = String::new();
                while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                    if let Some(header) = line.strip_prefix("Message-ID: ") {
                        id = header.to_owned();
                    }
                }
                take(world, performed, &id, &to);
                if world.dies_at("after a mail is taken") {
                    std::future::pending::<()>().await;
                }
                match call {
                    Call::Lost => {
                        *lock(&performed.lost) += 1;
                        return Ok(());
                    }
                    Call::Silent => std::future::pending().await,
                    _ => "250 taken",
                }
            }
            Some("QUIT") => "221 bye",
            _ => "250 ok",
        };
        writer.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
    Ok(())
}

fn take(world: &World, performed: &Performed, id: &str, to: &str) {
    let mut mails = lock(&performed.mails);
    let id = match world.is_broken(Broken::MailsUnmarked) {
        true => format!("{id}{}", mails.len()),
        false => id.to_owned(),
    };
    world.note(format_args!("the mail server takes {id}"));
    mails.entry(id).or_insert_with(|| (to.to_owned(), 0)).1 += 1;
}
