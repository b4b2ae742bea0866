//! Attributes whose names spell a path, such as `llm.input_messages.0.message.content`, as the value they stand for.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Longer paths are left as they are.
const MAX_STEPS: usize = 16;

/// Steps sort as numbers where they are numbers, so that message 10 comes after message 9.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Index(u64),
    Name(String),
}

#[derive(Debug, Default)]
pub(crate) struct Tree {
    leaf: Option<Value>,
    branches: BTreeMap<Step, Tree>,
}

impl Tree {
    /// Puts a value at a path of dotted steps; gives it back when the path is too long.
    pub(crate) fn insert(&mut self, path: &str, value: Value) -> Result<(), Value> {
        if path.split('.').count() > MAX_STEPS {
            return Err(value);
        }
        let mut place = self;
        for step in path.split('.') {
            let step = step
                .parse()
                .map_or_else(|_| Step::Name(step.to_owned()), Step::Index);
            place = place.branches.entry(step).or_default();
        }
        place.leaf = Some(value);
        Ok(())
    }

    /// Arrays where all steps are numbers (gaps close up), objects elsewhere.
    pub(crate) fn into_value(self) -> Value {
        if self.branches.is_empty() {
            return self.leaf.unwrap_or(Value::Null);
        }
        if self.leaf.is_none() && self.branches.keys().all(|step| matches!(step, Step::Index(_))) {
            return self.branches.into_values().map(Tree::into_value).collect();
        }
        let named = self.branches.into_iter().map(|(step, tree)| match step {
            Step::Index(index) => (index.to_string(), tree.into_value()),
            Step::Name(name) => (name, tree.into_value()),
        });
        let mut members: Map<String, Value> = named.collect();
        if let Some(leaf) = self.leaf {
            // Both `content` and `content.type`: neither may get lost.
            members.entry("").or_insert(leaf);
        }
        Value::Object(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_become_arrays_in_the_order_of_their_numbers() {
        let mut tree = Tree::default();
        for index in [10, 2, 0] {
            tree.insert(&format!("{index}.role"), json!(index)).unwrap();
        }
        tree.insert("2.parts.0", json!("a")).unwrap();
        let expected = json!([{"role": 0}, {"parts": ["a"], "role": 2}, {"role": 10}]);
        assert_eq!(tree.into_value(), expected);
    }

    #[test]
    fn a_value_that_is_both_leaf_and_branch_keeps_both() {
        let mut tree = Tree::default();
        tree.insert("a", json!(1)).unwrap();
        tree.insert("a.b", json!(2)).unwrap();
        assert_eq!(tree.into_value(), json!({"a": {"": 1, "b": 2}}));
        let long = vec!["x"; MAX_STEPS + 1].join(".");
        assert_eq!(Tree::default().insert(&long, json!(3)), Err(json!(3)));
    }
}
