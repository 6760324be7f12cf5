//! Texts that Magento's database can keep.

/// A text without the characters beyond the basic plane: columns of three bytes each keep question marks in their place. What
/// joins or colours such characters goes with them.
pub(super) fn storable(text: &str) -> String {
    const JOINER: char = '\u{200d}';
    const EMOJI_STYLE: char = '\u{fe0f}';
    let kept: String = text.chars().filter(|&it| it <= '\u{ffff}' && it != JOINER && it != EMOJI_STYLE).collect();
    match kept.len() == text.len() {
        true => kept,
        false => kept.split_whitespace().collect::<Vec<_>>().join(" "),
    }
}

/// JSON of the same value without such characters: they can only stand in its texts.
pub(super) fn storable_json(json: &str) -> String {
    json.chars().fold(String::with_capacity(json.len()), |mut kept, it| {
        match it {
            '\u{10000}'.. => kept.extend(it.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}"))),
            it => kept.push(it),
        }
        kept
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_database_would_spoil_is_left_out() {
        assert_eq!(storable("🎁 Cadeau: zeep ❤\u{fe0f} Ağır 茶 👩\u{200d}🍳!"), "Cadeau: zeep ❤ Ağır 茶 !");
        assert_eq!(storable("two  words\nstay"), "two  words\nstay");
    }

    #[test]
    fn json_keeps_its_value() {
        let json = r#"{"tier":"🥇 Gold","points":120}"#;
        let kept = storable_json(json);
        assert!(kept.chars().all(|it| it <= '\u{ffff}'), "{kept}");
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&kept), value(json));
    }
}
