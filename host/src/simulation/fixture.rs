//! What every run begins with: two shops with all plugins switched on, compiled once.

use std::sync::Arc;

use super::{
    history::{DOMAINS, History, SECRET},
    plugins::{self, Source},
    world::START,
};
use crate::{
    catalog::{Catalog, Folders, Keys, NewStore, package},
    clock::{Clock, Manual},
    domain::{Platform, PluginName},
    engine::{Engine, SharedEngine, limits},
    store::{Access, Store, Transaction, budget::Budget, memory::MemoryStore},
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
            let catalog = Catalog::open(
                shared,
                Arc::clone(&engine),
                clock,
                Folders { files, artefacts },
                String::new(),
                Keys::sample(7),
            )
            .unwrap();
            for domain in DOMAINS {
                catalog.add_store(shop(domain)).await.unwrap();
            }
            for source in plugins::all() {
                catalog.install(packed(&source)).await.unwrap();
                let name = PluginName::from(source.name);
                for domain in DOMAINS {
                    let grants = source.capabilities.iter().copied().collect();
                    catalog.enable(domain, &name, grants, None).await.unwrap();
                    let entry = catalog.store_named(domain).unwrap();
                    let budget = Budget { store: entry.id(), plugin: &name, zone: &entry.context.time_zone };
                    let mut transaction = Transaction::new(Arc::<MemoryStore>::clone(&store));
                    budget.set_bounds(&mut transaction, &source.bounds);
                    transaction.commit().await.unwrap();
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
        access: Some(Access::lasting("token")),
        api_url: None,
    }
}

fn packed(source: &Source) -> Vec<u8> {
    let Source { name, topics, capabilities, module, .. } = source;
    let capabilities: Vec<_> = capabilities.iter().map(|capability| capability.as_str()).collect();
    let manifest = format!(
        "[plugin]\nname = {name:?}\nversion = \"1.0.0\"\ntitle = \"T\"\nsummary = \"S\"\n\
         topics = {topics:?}\ncapabilities = {capabilities:?}\n\
         [templates.welcome]\nsubject = \"Hello\"\n"
    );
    let mjml = "<mjml><mj-body><mj-section><mj-column><mj-text>Hi</mj-text></mj-column></mj-section></mj-body></mjml>";
    let files = [("welcome.mjml", mjml), ("welcome.txt", "Hi")].map(|(name, text)| (name.into(), text.into()));
    package::pack(module, &manifest, &files.into()).unwrap()
}
