//! A tenant's own prices, applied to a drafted record.

use aal_event::Event;
use aal_ledger::Kind;
use aal_pricing::PriceBook;

use crate::{
    Draft, Pipeline,
    exchange::{self, Prices},
};

impl Draft {
    /// This draft with the cost that the tenant's price book gives; without a book it stays as it is.
    ///
    /// The book must be a function of the message, like everything in a leaf.
    pub fn under_book(mut self, pipeline: &Pipeline, event: &Event, book: Option<&PriceBook>) -> Draft {
        if self.kind != Kind::Event {
            return self;
        }
        if let Some(book) = book {
            let parsed = exchange::parse_original(event);
            let prices = Prices {
                table: pipeline.prices,
                book: Some(book),
            };
            let header = &mut self.header;
            header.input_cost = None;
            header.output_cost = None;
            header.cost = None;
            header.currency.clear();
            header.price_rule.clear();
            exchange::fill_money(header, event, &parsed, prices);
        }
        self
    }
}
