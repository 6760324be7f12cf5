//! The host, set up with one store and one plugin, among the peers that it meets: for whatever drives it to its limits.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crate::{
    audit::{Holdings, Totals},
    host::Host,
    population::{Population, oracle},
    shopify_admin::{Options, SchemaSource, ShopifyAdmin},
    smtp_sink::SmtpSink,
    storm::{PLUGIN, Record, Storm},
};

/// The pause between two comparisons.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// Waits between an effect's tries: more of them than peers' faults can meet one effect with.
const EFFECT_SECONDS: [u32; 10] = [1, 2, 5, 5, 5, 5, 5, 5, 5, 5];

/// Differences that are listed; the rest is counted.
const LISTED: usize = 50;

/// Why nothing can be said; its text is what a person reads.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

pub struct World {
    pub population: Population,
    pub shopify: ShopifyAdmin,
    pub mails: SmtpSink,
    pub host: Host,
}

impl World {
    /// Starts the peers and the host on `data`, adds the store, and switches the plugin on. Segments are the smallest, so
    /// that they are begun and compressed all the time.
    pub fn begin(population: Population, data: &Path) -> Result<Self, Error> {
        let plugin = plugin_file()?;
        let shopify = ShopifyAdmin::start(&SchemaSource::best(), Options::default())?;
        let mails = SmtpSink::start()?;
        let host = Host::builder()
            .smtp(mails.address())
            .data(data)
            .effect_seconds(&EFFECT_SECONDS)
            .config("[inbox]\nsegment_mib = 1\nreserve_mib = 16\n[store]\ncache_mib = 32\n")
            .try_start()?;
        let world = Self { population, shopify, mails, host };
        world.set_up(&plugin)?;
        Ok(world)
    }

    fn set_up(&self, plugin: &Path) -> Result<(), Error> {
        let shop = self.population.shop();
        let settings = self.host.data_dir().join("settings.json");
        std::fs::write(&settings, oracle::SETTINGS)?;
        let settings = settings.to_string_lossy();
        let (api, token) = (self.shopify.base_url(), Options::default().access_token);
        let add = ["store", "add", &shop.domain, "--currency", shop.currency, "--secret", shop.secret.reveal()];
        for command in [
            &[&add[..], &["--token", &token, "--api-url", &api]].concat()[..],
            &["plugin", "install", &plugin.to_string_lossy()],
            &["plugin", "enable", &shop.domain, PLUGIN, "--grant-all", "--settings", &settings],
        ] {
            let output = self.host.cli(command);
            if !output.status.success() {
                let told = String::from_utf8_lossy(&output.stderr);
                return Err(format!("`regulars {} {}`: {}", command[0], command[1], told.trim_end()).into());
            }
        }
        Ok(())
    }

    /// Tells the storm where the host listens.
    pub fn expose_to(&self, storm: &Storm) -> Result<(), Error> {
        Ok(storm.aim(self.host.webhooks_url(), self.host.admin_url())?)
    }

    /// Everything that the host has.
    pub async fn holdings(&self) -> Result<Holdings, Error> {
        Ok(Holdings::ask(self.host.admin_url(), &self.population.shop().domain).await?)
    }

    /// Waits until the host has all that it has acknowledged: an error lists what it has not.
    pub async fn has_what_it_acknowledged(&self, record: &Record, deadline: Duration) -> Result<(), Error> {
        self.until_same(deadline, |holdings| holdings.lost(record)).await.map(drop)
    }

    /// Waits until a whole season has come to its end, as if nothing had happened: an error lists the differences.
    pub async fn is_as_after_one_clean_pass(&self, record: &Record, deadline: Duration) -> Result<Totals, Error> {
        let differences = |holdings: &Holdings| {
            let mut differences = holdings.lost(record);
            differences.extend(holdings.miscounted(&self.population, &self.shopify, &self.mails));
            differences.extend(record.wrong_answers.iter().cloned());
            differences
        };
        Ok(self.until_same(deadline, differences).await?.totals())
    }

    async fn until_same(
        &self,
        deadline: Duration,
        differences: impl Fn(&Holdings) -> Vec<String>,
    ) -> Result<Holdings, Error> {
        let begun = Instant::now();
        loop {
            let holdings = self.holdings().await?;
            let found = differences(&holdings);
            if found.is_empty() {
                return Ok(holdings);
            }
            if begun.elapsed() > deadline {
                return Err(listed(&found).into());
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

/// Differences as a person reads them.
pub fn listed(differences: &[String]) -> String {
    let mut text = format!("{} differences:\n", differences.len());
    differences.iter().take(LISTED).for_each(|difference| text += &format!("  {difference}\n"));
    text
}

/// The plugin file that `regulars plugin build` has written for this binary's target folder.
fn plugin_file() -> Result<PathBuf, Error> {
    let own = std::env::current_exe()?;
    let mut files = own.ancestors().skip(1).map(|folder| folder.join(format!("plugins/{PLUGIN}.wasm")));
    files.find(|file| file.is_file()).ok_or_else(|| {
        format!("no plugin is built: run `make`, or `regulars plugin build plugins/{PLUGIN}` first").into()
    })
}
