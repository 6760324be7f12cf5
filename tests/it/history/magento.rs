//! A Magento shop s past.
