/// A text format for the rows of a table.
///
/// Values are written as SATS-JSON, exactly: integers of any width with all digits, finite floats so that they come back bit
/// for bit, identities and times as their JSON objects. JSON has no not-a-number and no infinities: they are written as
/// `null`, and an import refuses that in a column of floats.
public enum ExchangeFormat: Sendable {
    /// One JSON object a line, the columns by name.
    case jsonLines
    /// RFC 4180: a line of column names, then a line for each row. Texts are written as they are, other values as JSON;
    /// an empty field without quotes is an absent optional, `""` is an empty text.
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
