//! What every run begins with: two shops with all plugins switched on, compiled once.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    history::{DOMAINS, History, SECRET},
    plugins,
    world::START,
};
use crate::{
    catalog::{
        Catalog, NewStore,
        package::{self, TemplateFiles},
    },
    clock::{Clock, Manual},
    domain::{Capability, Platform},
    engine::{Engine, SharedEngine, limits},
    store::{Store, memory::MemoryStore},
};

/// Different histories. Seeds share them, as a history's clean pass is run once.
pub const HISTORIES: u64 = 40;

pub struct Fixture {
    pub histories: Vec<Arc<History>>,
    pub folder: tempfile::TempDir,
    pub engine: SharedEngine,
    pub store: MemoryStore,
}

impl Fixture {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let engine = Arc::new(Engine::without_wall_clock(limits::FUEL).unwrap());
        let store = Arc::new(MemoryStore::default());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let clock: Arc<dyn Clock> = Arc::new(Manual::at(START));
            let shared: Arc<dyn Store> = Arc::<MemoryStore>::clone(&store);
            let (files, artefacts) = (folder.path().to_owned(), folder.path().join("artefacts"));
            let catalog = Catalog::open(shared, Arc::clone(&engine), clock, files, artefacts).unwrap();
            for domain in DOMAINS {
                catalog.add_store(shop(domain)).await.unwrap();
            }
            for (name, capabilities, module) in plugins::all() {
                catalog.install(packed(name, capabilities, &module)).await.unwrap();
                for domain in DOMAINS {
                    let grants = capabilities.iter().copied().collect();
                    catalog.enable(domain, &name.into(), grants, None).await.unwrap();
                }
            }
        });
        let store = store.copy();
        let histories = (0..HISTORIES).map(|number| Arc::new(History::written(number))).collect();
        Self { histories, folder, engine, store }
    }
}

fn shop(domain: &str) -> NewStore {
    NewStore {
        platform: Platform::Shopify,
        domain: domain.into(),
        name: "Fern & Fable".into(),
        url: "https://fern.example".into(),
        currency: "EUR".parse().unwrap(),
        time_zone: "UTC".into(),
        locale: "en".into(),
        secrets: vec![SECRET.into()],
        access_token: Some("token".into()),
        api_url: None,
    }
}

fn packed(name: &str, capabilities: &[Capability], module: &[u8]) -> Vec<u8> {
    let capabilities: Vec<_> = capabilities.iter().map(|capability| capability.as_str()).collect();
    let manifest = format!(
        "[plugin]\nname = {name:?}\nversion = \"1.0.0\"\ntitle = \"T\"\nsummary = \"S\"\n\
         topics = [\"order.paid\", \"order.refunded\"]\ncapabilities = {capabilities:?}\n\
         [templates.welcome]\nsubject = \"Hello\"\n"
    );
    let mjml = "<mjml><mj-body><mj-section><mj-column><mj-text>Hi</mj-text></mj-column></mj-section></mj-body></mjml>";
    let files = TemplateFiles { mjml: Some(mjml.into()), text: Some("Hi".into()) };
    package::pack(module, &manifest, &BTreeMap::from([("welcome".into(), files)])).unwrap()
}
