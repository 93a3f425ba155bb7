//! A part of an expression that remembers where it stands, so that every mistake can be pointed at.

use super::error::{CronError, CronFault, CronField};

/// A stretch of one field's text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece<'a> {
    expression: &'a str,
    /// Byte offsets into the expression.
    start: usize,
    end: usize,
    /// The field it belongs to.
    pub(super) field: CronField,
}

/// The six or seven fields of an expression.
pub(super) struct Fields<'a> {
    pub(super) seconds: Piece<'a>,
    pub(super) minutes: Piece<'a>,
    pub(super) hours: Piece<'a>,
    pub(super) day_of_month: Piece<'a>,
    pub(super) month: Piece<'a>,
    pub(super) day_of_week: Piece<'a>,
    pub(super) year: Option<Piece<'a>>,
}

impl<'a> Fields<'a> {
    /// Splits at runs of spaces and tabs; fewer than six or more than seven fields are refused.
    pub(super) fn split(expression: &'a str) -> Result<Fields<'a>, CronError> {
        let mut position = 0;
        let mut next = |field| {
            let rest = &expression[position..];
            let start = position + (rest.len() - rest.trim_start_matches(BLANKS).len());
            let length = expression[start..].find(BLANKS).unwrap_or(expression.len() - start);
            position = start + length;
            Piece {
                expression,
                start,
                end: position,
                field,
            }
        };
        let mut required = |field| {
            let piece: Piece<'a> = next(field);
            if piece.text().is_empty() {
                Err(piece.fail(CronFault::EndOfExpression))
            } else {
                Ok(piece)
            }
        };
        let seconds = required(CronField::Seconds)?;
        let minutes = required(CronField::Minutes)?;
        let hours = required(CronField::Hours)?;
        let day_of_month = required(CronField::DayOfMonth)?;
        let month = required(CronField::Month)?;
        let day_of_week = required(CronField::DayOfWeek)?;
        let year = next(CronField::Year);
        let eighth = next(CronField::Year);
        if !eighth.text().is_empty() {
            return Err(eighth.fail(CronFault::TooManyFields));
        }
        let year = Some(year).filter(|piece| !piece.text().is_empty());
        Ok(Fields {
            seconds,
            minutes,
            hours,
            day_of_month,
            month,
            day_of_week,
            year,
        })
    }
}

const BLANKS: [char; 2] = [' ', '\t'];

impl<'a> Piece<'a> {
    /// The text as written.
    pub(super) fn text(&self) -> &'a str {
        &self.expression[self.start..self.end]
    }

    /// The text in capitals: the dialect does not tell them apart.
    pub(super) fn capitals(&self) -> String {
        self.text().to_ascii_uppercase()
    }

    /// The part from byte `from` to byte `to` of this piece.
    pub(super) fn part(&self, from: usize, to: usize) -> Piece<'a> {
        Piece {
            start: self.start + from,
            end: self.start + to,
            ..*self
        }
    }

    /// What stands before and after the first `separator`, if there is one.
    pub(super) fn split_at(&self, separator: char) -> Option<(Piece<'a>, Piece<'a>)> {
        let place = self.text().find(separator)?;
        let after = place + separator.len_utf8();
        Some((self.part(0, place), self.part(after, self.text().len())))
    }

    /// The elements of a comma-separated list.
    pub(super) fn elements(&self) -> Vec<Piece<'a>> {
        let mut elements = Vec::new();
        let mut rest = *self;
        while let Some((element, tail)) = rest.split_at(',') {
            elements.push(element);
            rest = tail;
        }
        elements.push(rest);
        elements
    }

    /// The error that points at this piece.
    pub(super) fn fail(&self, fault: CronFault) -> CronError {
        CronError {
            field: self.field,
            offset: self.expression[..self.start].chars().count(),
            text: self.text().to_owned(),
            fault,
        }
    }
}
