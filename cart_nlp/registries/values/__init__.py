"""What registries say in many ways and records in one: dates, phases, states, countries, numbers."""
