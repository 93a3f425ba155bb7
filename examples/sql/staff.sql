CREATE TABLE staff (
  number INTEGER PRIMARY KEY,
  given_name TEXT NOT NULL,
  family_name TEXT NOT NULL,
  mail TEXT UNIQUE,
  is_active BOOLEAN NOT NULL DEFAULT 1,
  changed TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ'))
);
CREATE TRIGGER staff_changed AFTER UPDATE ON staff WHEN new.changed = old.changed BEGIN
  UPDATE staff SET changed = strftime('%Y-%m-%dT%H:%M:%fZ') WHERE number = new.number;
END;
INSERT INTO staff (number, given_name, family_name, mail) VALUES
  (1001, 'Babs', 'Jensen', 'bjensen@example.com'),
  (1002, 'John', 'Doe', NULL),
  (1003, 'Åsa', 'Lund, MSc', 'alund@example.com');
