/// What is looked up in an index, with all values put together: the form in which the datastore and snapshots take it.
package enum IndexLookup: Hashable, Sendable {
    /// All columns of the index are given, in BSATN one behind the other.
    case key(IndexID, [UInt8])
    case range(IndexID, IndexRange)
    case keys(IndexID, KeyList)
    /// What one of several finds.
    case any([IndexLookup])

    /// Nil if there are several.
    package var index: IndexID? {
        switch self {
        case .key(let index, _), .range(let index, _), .keys(let index, _): index
        case .any: nil
        }
    }

    /// The look-up of an access; nil if it needs no index, a value of another step, or a parameter that has no value.
    package init?(_ access: Plan.Access, parameters: [[UInt8]] = []) {
        func value(_ part: Plan.KeyPart) -> [UInt8]? {
            let bytes: [UInt8]
            switch part.value {
            case .literal(let value): bytes = value
            case .parameter(let number) where parameters.indices.contains(number): bytes = parameters[number]
            case .parameter, .field, .computed: return nil
            }
            return part.tag.map { [$0] + bytes } ?? bytes
        }
        func prefix(_ parts: [Plan.KeyPart]) -> [UInt8]? {
            if parts.count == 1 { return value(parts[0]) }
            var bytes: [UInt8] = []
            for part in parts {
                guard let value = value(part) else { return nil }
                bytes += value
            }
            return bytes
        }
        func bound(_ bound: Plan.KeyRange.Bound) -> IndexRange.Bound? {
            switch bound {
            case .unbounded: .unbounded
            case .included(let part): value(part).map { .included($0) }
            case .excluded(let part): value(part).map { .excluded($0) }
            }
        }
        func list(_ values: Plan.ListOperand) -> ValueList? {
            switch values {
            case .values(let values): values
            case .parameter(let number):
                parameters.indices.contains(number) ? ValueList(array: parameters[number]) : nil
            }
        }
        switch access {
        case .table, .hash: return nil
        case .any(let accesses):
            var lookups: [IndexLookup] = []
            for access in accesses {
                guard let lookup = IndexLookup(access, parameters: parameters) else { return nil }
                lookups.append(lookup)
            }
            self = .any(lookups)
        case .ranges(let index, let parts, let intervals):
            guard let head = prefix(parts) else { return nil }
            var lookups: [IndexLookup] = []
            for interval in intervals {
                if let point = interval.point, let bytes = value(Plan.KeyPart(point.value)) {
                    let values = ValueList(count: 1, bytes: bytes)
                    let keys = KeyList(prefix: head, prefixColumns: parts.count, tag: point.tag, values: values)
                    lookups.append(.keys(index, keys))
                    continue
                }
                guard let lower = bound(interval.lower), let upper = bound(interval.upper) else { return nil }
                let range = IndexRange(prefix: head, prefixColumns: parts.count, lower: lower, upper: upper)
                lookups.append(.range(index, range))
            }
            self = .any(lookups)
        case .key(let index, let parts):
            guard let key = prefix(parts) else { return nil }
            self = .key(index, key)
        case .range(let index, let range):
            guard let head = prefix(range.prefix), let lower = bound(range.lower), let upper = bound(range.upper) else {
                return nil
            }
            self = .range(
                index, IndexRange(prefix: head, prefixColumns: range.prefix.count, lower: lower, upper: upper))
        case .keys(let index, let parts, let tag, let values):
            guard let head = prefix(parts), let values = list(values) else { return nil }
            self = .keys(index, KeyList(prefix: head, prefixColumns: parts.count, tag: tag, values: values))
        }
    }
}
