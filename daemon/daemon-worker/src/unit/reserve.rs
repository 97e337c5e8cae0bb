//! Reservations of a unit: the amount leaves the record's field in the same unit that makes the reservation.

use super::{Answers, Proposal, Unit, not_found};
use crate::refusal::{Halt, refusal};
use contract_model::ErrorCode;
use contract_model::collection::Collection;
use contract_model::reservation::{Reservation, Resource, State, take};
use daemon_frame::{Ask, Asked, Reserved};
use serde_json::{Value, json};

/// What became of a reservation.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) id: String,
    pub(crate) reservation: Reservation,
    /// It was as it is before this call.
    pub(crate) duplicate: bool,
}

impl Unit {
    /// Takes an amount out of a record's field, unless that was done before under this id.
    pub(crate) fn reserve(
        &mut self,
        collection: &Collection,
        resource: &Resource,
        id: String,
        wanted: Reservation,
        host: &mut impl Answers,
    ) -> Result<Held, Halt> {
        if let Some(Reserved { reservation, .. }) = self.reservation(&id, host)? {
            if (reservation.resource.as_str(), reservation.amount) != (wanted.resource.as_str(), wanted.amount) {
                return Err(other_wish(&id, &reservation));
            }
            return Ok(Held { id, reservation, duplicate: true });
        }
        let least = resource.least(collection).map_err(|why| Halt::new(ErrorCode::RecordInvalid, why))?;
        let record = self.get(&resource.collection, resource.record.as_str(), host)?;
        let record = record.ok_or_else(|| not_found(&resource.collection, resource.record.as_str()))?;
        let left =
            take(record.get(&resource.field), least, wanted.amount).map_err(|there| not_enough(&wanted, there))?;
        let reserved = Reserved { id: id.clone(), reservation: wanted.clone(), base_revision: 0 };
        self.all_or_nothing(|unit| {
            unit.set_field(collection, resource, left, host)?;
            unit.put_reservation(id.clone(), reserved)
        })?;
        Ok(Held { id, reservation: wanted, duplicate: false })
    }

    /// Ends a reservation that is held: for good, or by giving the amount back. Ending it twice alike changes nothing.
    pub(crate) fn end_reservation(
        &mut self,
        collection_of: impl Fn(&str) -> Option<std::rc::Rc<Collection>>,
        id: &str,
        end: State,
        host: &mut impl Answers,
    ) -> Result<Held, Halt> {
        let missing = || Halt::new(ErrorCode::NotFound, format!("there is no reservation `{id}`"));
        let mut reserved = self.reservation(id, host)?.ok_or_else(missing)?;
        if reserved.reservation.state != State::Held {
            return ended_before(id, reserved.reservation, end);
        }
        let mut back = None;
        if end == State::Released {
            let resource = Resource::parse(&reserved.reservation.resource).map_err(|_| missing())?;
            let collection = collection_of(&resource.collection).ok_or_else(missing)?;
            let record = self.get(&resource.collection, resource.record.as_str(), host)?;
            // Of a record that is gone nothing is missing.
            if let Some(record) = record {
                let there = record.get(&resource.field).and_then(Value::as_i64).unwrap_or(0);
                let amount = i64::try_from(reserved.reservation.amount).unwrap_or(0);
                back = Some((collection, resource, there.saturating_add(amount)));
            }
        }
        reserved.reservation.state = end;
        let reservation = reserved.reservation.clone();
        self.all_or_nothing(|unit| {
            if let Some((collection, resource, value)) = back {
                unit.set_field(&collection, &resource, value, host)?;
            }
            unit.put_reservation(id.to_owned(), reserved)
        })?;
        Ok(Held { id: id.to_owned(), reservation, duplicate: false })
    }

    /// The field is the daemon's to count here, so hooks before changes are not asked.
    fn set_field(
        &mut self,
        collection: &Collection,
        resource: &Resource,
        value: i64,
        host: &mut impl Answers,
    ) -> Result<(), Halt> {
        let fields = [("id", Value::from(resource.record.as_str())), (resource.field.as_str(), Value::from(value))];
        let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let proposal: Proposal = self.propose(collection, fields, host)?;
        self.adopt(proposal).map(drop)
    }

    fn reservation(&self, id: &str, host: &mut impl Answers) -> Result<Option<Reserved>, Halt> {
        if let Some(own) = self.reservations.get(id) {
            return Ok(Some(own.clone()));
        }
        match host.ask(Ask::Reservation { id: id.to_owned() })? {
            Asked::Reservation(reserved) => Ok(reserved.map(|reserved| *reserved)),
            _ => Err(host.unfit()),
        }
    }
}

fn ended_before(id: &str, reservation: Reservation, end: State) -> Result<Held, Halt> {
    let is_given_back = |state| matches!(state, State::Released | State::Expired);
    if reservation.state == end || (is_given_back(reservation.state) && is_given_back(end)) {
        return Ok(Held { id: id.to_owned(), reservation, duplicate: true });
    }
    let message = format!("reservation {id} is {} already", reservation.state.as_str());
    let mut error = refusal(ErrorCode::ReservationEnded, message);
    error.details = json!({"id": id, "state": reservation.state});
    Err(error.into())
}

fn not_enough(wanted: &Reservation, there: i64) -> Halt {
    let message = format!("{} of {} are wanted, {there} are there", wanted.amount, wanted.resource);
    let mut error = refusal(ErrorCode::NotEnough, message);
    error.details = json!({"resource": wanted.resource, "wanted": wanted.amount, "available": there});
    error.into()
}

fn other_wish(id: &str, known: &Reservation) -> Halt {
    let message = format!("the key was used before for reservation {id}, of {} of {}", known.amount, known.resource);
    let mut error = refusal(ErrorCode::IdempotencyConflict, message);
    error.details = json!({"id": id, "resource": known.resource, "amount": known.amount});
    error.into()
}
