public import SpacetimeEngine
public import SpacetimeSATS

/// A range of keys: all of Swift's range expressions are.
public protocol KeyRange<Bound> {
    /// The type of the column.
    associatedtype Bound
    func _lowerBound() -> _KeyBound<Bound>
    func _upperBound() -> _KeyBound<Bound>
}

/// One end of a range.
public enum _KeyBound<Value> {
    case included(Value)
    case excluded(Value)
    case unbounded
}

extension Range: KeyRange {
    @inlinable public func _lowerBound() -> _KeyBound<Bound> { .included(lowerBound) }
    @inlinable public func _upperBound() -> _KeyBound<Bound> { .excluded(upperBound) }
}

extension ClosedRange: KeyRange {
    @inlinable public func _lowerBound() -> _KeyBound<Bound> { .included(lowerBound) }
    @inlinable public func _upperBound() -> _KeyBound<Bound> { .included(upperBound) }
}

extension PartialRangeFrom: KeyRange {
    @inlinable public func _lowerBound() -> _KeyBound<Bound> { .included(lowerBound) }
    @inlinable public func _upperBound() -> _KeyBound<Bound> { .unbounded }
}

extension PartialRangeUpTo: KeyRange {
    @inlinable public func _lowerBound() -> _KeyBound<Bound> { .unbounded }
    @inlinable public func _upperBound() -> _KeyBound<Bound> { .excluded(upperBound) }
}

extension PartialRangeThrough: KeyRange {
    @inlinable public func _lowerBound() -> _KeyBound<Bound> { .unbounded }
    @inlinable public func _upperBound() -> _KeyBound<Bound> { .included(upperBound) }
}

/// Both ends as the engine takes them.
@usableFromInline
struct KeyBounds {
    @usableFromInline let lower: IndexRange.Bound
    @usableFromInline let upper: IndexRange.Bound

    @inlinable
    init(lower: IndexRange.Bound, upper: IndexRange.Bound) {
        self.lower = lower
        self.upper = upper
    }
}

extension KeyRange where Bound: SpacetimeType {
    @inlinable
    func bounds(_ reference: TableReference) -> KeyBounds {
        KeyBounds(lower: _lowerBound().encoded(reference), upper: _upperBound().encoded(reference))
    }
}

extension _KeyBound where Value: SpacetimeType {
    @inlinable
    func encoded(_ reference: TableReference) -> IndexRange.Bound {
        switch self {
        case .included(let value): .included(reference.encoded(key: value))
        case .excluded(let value): .excluded(reference.encoded(key: value))
        case .unbounded: .unbounded
        }
    }
}
