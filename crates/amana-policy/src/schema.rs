//! The schema, and the core's words as Cedar's entities.

use crate::error::PolicyError;
use amana_core::{Cluster, Clusters, Form, InstitutionId, Purpose};
use cedar_policy::{EntityId, EntityTypeName, EntityUid, Schema};
use std::str::FromStr as _;

/// The schema's text, with [`INSTITUTION`] where the institution's id belongs.
pub const SCHEMA: &str = include_str!("../policies/schema.cedarschema");
const INSTITUTION: &str = "\"INSTITUTION\"";

/// The schema for one institution: its own id is the only one that a policy of it can name.
pub(crate) fn schema(institution: &InstitutionId) -> Result<Schema, PolicyError> {
    // By number, so that no character of an id can end the string or escape it.
    let id: String = institution.as_str().chars().map(|c| format!("\\u{{{:x}}}", u32::from(c))).collect();
    let text = SCHEMA.replacen(INSTITUTION, &format!("\"{id}\""), 1);
    let (schema, _) =
        Schema::from_cedarschema_str(&text).map_err(|error| PolicyError::Schema(error.to_string()))?;
    Ok(schema)
}

/// An entity of one of the schema's types.
pub(crate) fn entity(kind: &str, id: &str) -> Result<EntityUid, PolicyError> {
    let kind = EntityTypeName::from_str(kind).map_err(|error| PolicyError::Schema(error.to_string()))?;
    Ok(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
}

/// How sensitive the most sensitive of the clusters is: 0 for no data, up to 3.
pub(crate) fn sensitivity(clusters: Clusters) -> i64 {
    let of = |cluster| match cluster {
        Cluster::AccountBasic | Cluster::Deliveries => 1,
        Cluster::Balances | Cluster::Transfers => 2,
        Cluster::Transactions | Cluster::Orders => 3,
    };
    clusters.iter().map(of).max().unwrap_or(0)
}

/// The forms from most open to strictest: the order of asking.
pub(crate) const FORMS: [Form; 3] = [Form::Detail, Form::Summary, Form::Notice];

/// The place of a purpose in the list of purposes.
pub(crate) fn place(purpose: Purpose) -> usize {
    purpose as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(of: &str) -> Vec<String> {
        let (_, rest) = SCHEMA.split_once(&format!("entity {of} enum [")).expect("declared");
        let (list, _) = rest.split_once("];").expect("closed");
        list.split(',')
            .map(|word| word.trim().trim_matches('"').to_owned())
            .filter(|w| !w.is_empty())
            .collect()
    }

    #[test]
    fn the_schema_lists_exactly_the_cores_words() {
        assert_eq!(members("Purpose"), Purpose::ALL.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(members("Cluster"), Cluster::ALL.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(members("Form"), Form::ALL.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert!(FORMS.is_sorted_by(|a, b| a > b) && FORMS.len() == Form::ALL.len());
        for (at, purpose) in Purpose::ALL.iter().enumerate() {
            assert_eq!(place(*purpose), at);
        }
    }

    #[test]
    fn an_institution_with_strange_characters_has_a_schema_too() {
        for id in ["cedar-bank", "a\"b", "a\\", "بنك الأرز", "x\"]; entity Evil enum [\"y", "🏦"] {
            let id = InstitutionId::new(id).expect("an id");
            let schema = schema(&id).expect("loads");
            let bank = entity("Institution", id.as_str()).expect("an entity");
            assert_eq!(schema.entity_types().count(), 5, "{id}");
            assert!(
                cedar_policy::Entities::from_entities(
                    [cedar_policy::Entity::new_no_attrs(bank, std::collections::HashSet::new())],
                    Some(&schema)
                )
                .is_ok(),
                "{id}"
            );
        }
    }
}
