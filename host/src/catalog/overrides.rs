//! Merchants' changes of mails: tried when they are saved, kept by version, and looked at again with every upgrade.

use super::{
    templates::{Locale, StoreTemplates},
    *,
};
use crate::store::TemplateOverride;

/// A merchant's change of one mail in one language: mail, language, version.
type Change = (String, Locale, u32, TemplateOverride);

impl Catalog {
    /// A plugin's mails with the changes of a store's merchant; what is known already is not made anew.
    pub(super) fn store_templates(
        &self,
        store: StoreId,
        installed: &Installed,
        known: Option<&Enabled>,
    ) -> Result<Arc<StoreTemplates>, Error> {
        let own = &installed.package.templates;
        let changes = self.changes_of(store, &installed.record.name)?;
        if let Some(known) = known.filter(|known| known.mails.is_of(own, &changes)) {
            return Ok(Arc::clone(&known.mails));
        }
        let mails = StoreTemplates::changed(Arc::clone(own), &changes);
        for change in mails.changes.iter().filter(|change| change.warning.is_some()) {
            let (mail, locale) = (&change.mail, &change.locale);
            tracing::warn!(
                %store, plugin = %installed.record.name,
                "the merchant's `{mail}` in `{locale}` does not fit the plugin any more, its own is sent"
            );
        }
        Ok(Arc::new(mails))
    }

    /// The latest version of each change that says anything.
    fn changes_of(&self, store: StoreId, plugin: &PluginName) -> Result<Vec<Change>, Error> {
        let mut latest = BTreeMap::new();
        for (key, value) in self.store.scan(&Scan::of(keys::template_overrides(store, plugin), LISTED))? {
            let Some((mail, locale, version)) = keys::template_override_of(&key) else { continue };
            let Some(locale) = Locale::parse(&locale) else { continue };
            latest.insert((mail, locale), (version, decode::<TemplateOverride>(&value.bytes)?));
        }
        let said = latest.into_iter().filter(|(_, (_, change))| !change.is_empty());
        Ok(said.map(|((mail, locale), (version, change))| (mail, locale, version, change)).collect())
    }

    /// Every version of a merchant's change of a mail in one language, oldest first. An empty one takes a change back.
    pub fn template_versions(
        &self,
        store: StoreId,
        plugin: &PluginName,
        mail: &str,
        locale: &Locale,
    ) -> Result<Vec<(u32, TemplateOverride)>, Error> {
        let of_mail = keys::template_overrides_of(store, plugin, mail, locale.as_str());
        let rows = self.store.scan(&Scan::of(of_mail, LISTED))?;
        let version = |key| keys::template_override_of(key).map_or(0, |(_, _, version)| version);
        rows.iter().map(|(key, value)| Ok((version(key), decode(&value.bytes)?))).collect()
    }

    /// Saves a merchant's change of a mail as a new version; returns its number. One that does not render with the
    /// plugin's sample is refused. An empty change brings back the plugin's own.
    pub async fn change_template(
        &self,
        domain: &str,
        plugin: &PluginName,
        mail: &str,
        locale: &Locale,
        change: TemplateOverride,
    ) -> Result<u32, Error> {
        let _turn = self.changing.lock().await;
        let store = self.store_named(domain)?;
        let enabled = self.enabled(&store, plugin)?;
        enabled.mails.own.overridden(mail, locale, &change)?;
        let newest = self.template_versions(store.id(), plugin, mail, locale)?.pop();
        let version = newest.map_or(1, |(version, _)| version + 1);
        let key = keys::template_override(store.id(), plugin, mail, locale.as_str(), version);
        let mut transaction = self.transaction();
        transaction.put(key, &TemplateOverride { saved_at: self.clock.now(), ..change });
        self.publish(transaction, store.id()).await?;
        Ok(version)
    }
}
