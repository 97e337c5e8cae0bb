//! How many records match.

use super::View;
use super::find::Search;
use super::plan::Plan;
use crate::error::StoreError;
use crate::key::prefix_end;
use crate::record::collection_prefix;
use crate::tenant::Scope;
use contract_model::filter::{Filter, Query};
use std::ops::ControlFlow;

impl View {
    /// How many records match. Where the entries of an index tell, or every record matches, none is read.
    pub fn count(&self, scope: &Scope, collection: &str, filter: &Filter) -> Result<u64, StoreError> {
        let declared = self.registry.collection(collection)?;
        if *filter == Filter::All {
            let low = collection_prefix(scope.number(), declared.number);
            return self.count_keys(collection, &low, &prefix_end(&low));
        }
        let query = Query { filter: filter.clone(), sort: Vec::new(), limit: None, cursor: None };
        let search = Search::new(self, declared, scope.number(), &query)?;
        let plan = Plan::of(declared, scope.number(), &query);
        if let Some((low, high)) = plan.source.entries_of(filter) {
            return self.count_keys(collection, low, high);
        }
        let mut count = 0;
        search.walk(&plan.source, None, &mut |_| {
            count += 1;
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(count)
    }

    fn count_keys(&self, collection: &str, low: &[u8], high: &[u8]) -> Result<u64, StoreError> {
        let mut count = 0;
        for key in self.layers().scan(low, high, false)?.keys() {
            self.charge(collection, key?.len())?;
            count += 1;
        }
        self.note_range(low.to_vec(), high.to_vec());
        Ok(count)
    }
}
