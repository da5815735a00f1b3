"""The recognisers of the field, and single changes to one, trained for the same processor time."""
