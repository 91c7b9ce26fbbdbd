-- Lists of facts by when they happened (docs/decisions/0090). A block range index costs next to nothing when
-- facts are stored, and lets a list of one quarter pass over the other years.
CREATE INDEX fact_by_time ON fact USING brin (time);
