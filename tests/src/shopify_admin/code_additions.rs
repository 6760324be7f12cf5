//! Codes that are added to discounts of the simulated shop: taken at once, made when the shop's queue comes to them.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    discounts::Discounts,
    shop::{Answer, UserError, connection, declined, read},
};

/// Codes of one call.
const CODES_PER_CALL: usize = 250;

/// One call, and what has become of its codes.
#[derive(Clone, Debug)]
struct Addition {
    discount: String,
    codes: Vec<(String, Option<UserError>)>,
    done: bool,
}

/// All calls, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct CodeAdditions {
    all: Vec<Addition>,
    /// The queue stands still.
    pub(super) are_held: bool,
    /// Codes that the shop does not take.
    pub(super) refused: BTreeSet<String>,
}

impl CodeAdditions {
    pub(super) fn add(&mut self, args: Value, discounts: &Discounts) -> Answer {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Args {
            discount_id: String,
            codes: Vec<Code>,
        }
        #[derive(Deserialize)]
        struct Code {
            code: String,
        }
        let Args { discount_id: discount, codes } = read(args)?;
        if discounts.by_id(&discount).is_none() {
            return Err(declined(&["discountId"], "INVALID", "Code discount does not exist.").into());
        }
        if codes.is_empty() || codes.len() > CODES_PER_CALL {
            let message = "Codes must be between 1 and 250";
            return Err(declined(&["codes"], "EXCEEDED_MAX", message).into());
        }
        let codes = codes.into_iter().map(|it| (it.code, None)).collect();
        self.all.push(Addition { discount, codes, done: false });
        Ok(json!({ "bulkCreation": self.by_id(&id_of(self.all.len() - 1)) }))
    }

    /// Makes what waits, unless the queue stands still.
    pub(super) fn work(&mut self, discounts: &mut Discounts) {
        if self.are_held {
            return;
        }
        for addition in self.all.iter_mut().filter(|addition| !addition.done) {
            for (code, error) in &mut addition.codes {
                *error = match (discounts.by_code(code).is_some(), self.refused.contains(code)) {
                    (true, _) => {
                        Some(declined(&["code"], "TAKEN", "Code must be unique. Please try a different code."))
                    }
                    (false, true) => Some(declined(&["code"], "INVALID", "Code is invalid")),
                    (false, false) => {
                        discounts.add_code(&addition.discount, code);
                        None
                    }
                };
            }
            addition.done = true;
        }
    }

    /// An object of the schema's type `DiscountRedeemCodeBulkCreation`; null if there is none.
    pub(super) fn by_id(&self, id: &str) -> Value {
        let found = self.all.iter().enumerate().find(|(index, _)| id_of(*index) == id);
        let Some((_, Addition { codes, done, .. })) = found else { return Value::Null };
        let failed = codes.iter().filter(|(_, error)| error.is_some()).count();
        let nodes = codes.iter().map(|(code, error)| {
            json!({
                "__typename": "DiscountRedeemCodeBulkCreationCode",
                "code": code,
                "errors": error.iter().map(|error| error.to_json("DiscountUserError")).collect::<Vec<_>>(),
            })
        });
        json!({
            "__typename": "DiscountRedeemCodeBulkCreation",
            "id": id,
            "done": done,
            "codesCount": codes.len(),
            "failedCount": failed,
            "importedCount": if *done { codes.len() - failed } else { 0 },
            "codes": connection("DiscountRedeemCodeBulkCreationCodeConnection", nodes.collect()),
        })
    }
}

fn id_of(index: usize) -> String {
    format!("gid://shopify/DiscountRedeemCodeBulkCreation/{}", index + 1)
}
