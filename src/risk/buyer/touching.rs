//! Owns which lines of a buyer an event is going to touch (see [`crate::risk::shard::ahead`]).

use super::Buyer;
use crate::event::Body;
use crate::risk::shard::ahead::touch;

impl Buyer {
    /// Fetches the buyer itself.
    pub fn touch(&self) {
        touch(self.ledger.is_empty());
        touch(self.ledger.next_age_day());
        touch(self.insurance.is_some());
        touch(self.usual_exposure);
        touch(self.scored);
        self.behaviour.touch();
        touch(self.signals.is_some());
        touch(self.sequence);
    }

    /// Fetches what it points to.
    pub fn touch_lists(&self, body: &Body<'_>) {
        self.ledger.touch_lists(body);
        self.month_ends.touch();
    }

    /// Fetches the documents that an event names.
    pub fn touch_documents(&self, body: &Body<'_>) {
        self.ledger.touch_documents(body);
    }
}
