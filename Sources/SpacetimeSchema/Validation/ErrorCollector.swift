/// Gathers errors. Keeps the first ``limit`` and counts the rest: a small hostile definition can break rules by the
/// million.
struct ErrorCollector {
    static let limit = 10_000

    private(set) var errors: [SchemaError] = []
    private(set) var omittedCount = 0

    mutating func report(_ code: SchemaErrorCode, at path: SchemaPath, _ message: String) {
        guard errors.count < Self.limit else {
            omittedCount += 1
            return
        }
        errors.append(SchemaError(code, at: path, message))
    }

    mutating func append(contentsOf others: ErrorCollector) {
        append(contentsOf: SchemaErrors(others.errors, omittedCount: others.omittedCount))
    }

    mutating func append(contentsOf thrown: SchemaErrors) {
        let kept = thrown.errors.prefix(Self.limit - errors.count)
        errors += kept
        omittedCount += thrown.omittedCount + thrown.errors.count - kept.count
    }

    func throwIfAny() throws(SchemaErrors) {
        if !errors.isEmpty { throw SchemaErrors(errors, omittedCount: omittedCount) }
    }
}

/// A name for a message, in quotes and cut where nobody reads on.
func quoted(_ name: String) -> String {
    let limit = 64
    var shown = String.UnicodeScalarView()
    for scalar in name.unicodeScalars {
        if shown.count == limit { return "'\(String(shown))…'" }
        shown.append(scalar)
    }
    return "'\(String(shown))'"
}

extension ErrorCollector {
    /// Whether `name` is an identifier of bearable length; reports it if not.
    @discardableResult
    mutating func checkIdentifier(_ name: String, at path: SchemaPath, limit: Int, source: String? = nil) -> Bool {
        // Named only where the two differ: `_` becomes nothing, and "'' is empty" would help nobody.
        let origin = source.flatMap { $0 == name ? nil : " (the converted form of \(quoted($0)))" } ?? ""
        if name.utf8.count > limit {
            report(.nameTooLong, at: path, "the name is \(name.utf8.count) bytes long; use at most \(limit)")
            return false
        }
        switch Identifier.problem(with: name) {
        case nil:
            return true
        case .empty:
            report(.identifierEmpty, at: path, "the name is empty\(origin); give it at least one letter")
        case .notCanonicalized:
            report(.identifierNotCanonicalized, at: path, "\(quoted(name))\(origin) is not in Unicode form NFC")
        case .invalidStart(let scalar):
            report(
                .identifierInvalidStart, at: path,
                "\(quoted(name))\(origin) begins with '\(scalar.escaped(asASCII: false))'; begin with a letter or '_'")
        case .invalidContinue(let scalar):
            report(
                .identifierInvalidContinue, at: path,
                "\(quoted(name))\(origin) contains '\(scalar.escaped(asASCII: false))'; use letters, digits and '_'")
        }
        return false
    }
}
