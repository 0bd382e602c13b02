/// A text format for the rows of a table. What is exported in either comes back bit for bit when it is imported.
public enum ExchangeFormat: Sendable {
    /// One JSON object a line, the columns by name.
    ///
    /// Values are SATS-JSON, the form of SpacetimeDB: integers of any width with all digits (those of 256 bits as
    /// `"0x2a"`), bytes as hexadecimal text, identities and times as their objects, cases as `{"name": payload}`. JSON has
    /// no not-a-number and no infinities: they are the texts `"NaN"`, `"Infinity"`, `"-Infinity"`, and
    /// `"NaN(0x7ff8000000000005)"` for other bits than the usual.
    case jsonLines
    /// RFC 4180: a line of column names, then a line for each row, ended by CR and LF.
    ///
    /// | Column | Field |
    /// | --- | --- |
    /// | `Bool`, integers of all widths | `true`, `-12` |
    /// | `Float`, `Double` | shortest decimal; `NaN`, `Infinity`, `-Infinity`, `NaN(0x7ff8000000000005)` |
    /// | `String` | as it is |
    /// | `[UInt8]` | `0x0102fe` |
    /// | `Identity`, `ConnectionId` | 64 and 32 hexadecimal digits, as displayed |
    /// | `Uuid` | `00112233-4455-6677-8899-aabbccddeeff` |
    /// | `Timestamp` | RFC 3339 in UTC: `2023-11-14T22:13:20.123456Z` |
    /// | `TimeDuration` | seconds: `+1.500000` |
    /// | `ScheduleAt` | the time, or the interval in seconds |
    /// | an enum's case without payload | its name |
    /// | an optional of these | the same; nothing at all, without quotes, for `nil` |
    /// | anything else | JSON as in ``jsonLines`` |
    ///
    /// An empty text is `""` in quotes. An import also takes JSON in every column but those of text.
    case csv

    /// The usual end of a file's name.
    public var fileExtension: String {
        switch self {
        case .jsonLines: "jsonl"
        case .csv: "csv"
        }
    }
}

/// What an import does with the rows that are there.
public enum ImportMode: Sendable {
    /// They stay; a row that breaks a constraint with one of them makes the import fail.
    case insert
    /// Rows with the primary key of an imported one are replaced.
    case upsert
    /// They are deleted first.
    case replace
}
