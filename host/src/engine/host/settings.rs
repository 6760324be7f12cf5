//! `settings`: what the merchant has set.

use super::super::{bindings::settings, delivery::Delivery};

impl settings::Host for Delivery {
    fn get(&mut self, key: String) -> wasmtime::Result<Option<String>> {
        Ok(self.input.plugin.settings.get(&key).map(ToString::to_string))
    }

    fn get_all(&mut self) -> wasmtime::Result<String> {
        Ok(serde_json::to_string(&self.input.plugin.settings)?)
    }

    fn version(&mut self) -> wasmtime::Result<u32> {
        Ok(self.input.plugin.settings_version)
    }
}
