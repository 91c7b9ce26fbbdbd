-- How many events a second a publisher may send over HTTP to one process; null: as the service is set.
ALTER TABLE publisher ADD COLUMN events_per_second integer CHECK (events_per_second > 0);
