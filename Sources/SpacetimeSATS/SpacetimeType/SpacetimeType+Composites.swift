extension String: SpacetimeType {
    /// `string`, inline.
    @inlinable public static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType { .string }
    /// Reads counted UTF-8.
    @inlinable public init(from reader: inout BSATNReader) throws(BSATNError) { self = try reader.readString() }
    /// Writes counted UTF-8.
    @inlinable public func encode(to writer: inout BSATNWriter) { writer.write(self) }
}

extension Array: SpacetimeType where Element: SpacetimeType {
    /// `array` of the element's type.
    @inlinable public static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType {
        .array(Element.algebraicType(in: &types))
    }
    /// Reads a count and the elements; arrays of numbers are read in one copy.
    @inlinable public init(from reader: inout BSATNReader) throws(BSATNError) {
        self = try Element.decodeArray(from: &reader)
    }
    /// Writes a count and the elements; arrays of numbers are written in one copy.
    @inlinable public func encode(to writer: inout BSATNWriter) { Element.encodeArray(self, to: &writer) }
}

extension Optional: SpacetimeType where Wrapped: SpacetimeType {
    /// `some` (0) or `none` (1): the reverse of what many formats do.
    @inlinable public static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType {
        .option(Wrapped.algebraicType(in: &types))
    }
    /// Reads a tag and, for `some`, the value.
    @inlinable public init(from reader: inout BSATNReader) throws(BSATNError) {
        self = try reader.readTag(below: 2) == 0 ? .some(Wrapped(from: &reader)) : .none
    }
    /// Writes a tag and, for `some`, the value.
    @inlinable public func encode(to writer: inout BSATNWriter) {
        switch self {
        case .some(let value):
            writer.writeTag(0)
            value.encode(to: &writer)
        case .none: writer.writeTag(1)
        }
    }
    /// 1 if the payload takes no bytes; otherwise the two variants differ in size.
    @inlinable public static var bsatnFixedSize: Int? { Wrapped.bsatnFixedSize == 0 ? 1 : nil }
}

extension Result: SpacetimeType where Success: SpacetimeType, Failure: SpacetimeType {
    /// `ok` (0) or `err` (1).
    @inlinable public static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType {
        let ok = Success.algebraicType(in: &types)
        return .result(ok, Failure.algebraicType(in: &types))
    }
    /// Reads a tag and the payload.
    @inlinable public init(from reader: inout BSATNReader) throws(BSATNError) {
        self = try reader.readTag(below: 2) == 0 ? .success(Success(from: &reader)) : .failure(Failure(from: &reader))
    }
    /// Writes a tag and the payload.
    @inlinable public func encode(to writer: inout BSATNWriter) {
        switch self {
        case .success(let value):
            writer.writeTag(0)
            value.encode(to: &writer)
        case .failure(let error):
            writer.writeTag(1)
            error.encode(to: &writer)
        }
    }
}

/// `Result` for failures that are not Swift errors, such as `String`.
@frozen public enum SpacetimeResult<Success: SpacetimeType, Failure: SpacetimeType>: SpacetimeType {
    /// Tag 0.
    case ok(Success)
    /// Tag 1.
    case err(Failure)

    /// `ok` (0) or `err` (1).
    @inlinable public static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType {
        let ok = Success.algebraicType(in: &types)
        return .result(ok, Failure.algebraicType(in: &types))
    }
    /// Reads a tag and the payload.
    @inlinable public init(from reader: inout BSATNReader) throws(BSATNError) {
        self = try reader.readTag(below: 2) == 0 ? .ok(Success(from: &reader)) : .err(Failure(from: &reader))
    }
    /// Writes a tag and the payload.
    @inlinable public func encode(to writer: inout BSATNWriter) {
        switch self {
        case .ok(let value):
            writer.writeTag(0)
            value.encode(to: &writer)
        case .err(let value):
            writer.writeTag(1)
            value.encode(to: &writer)
        }
    }
}

extension SpacetimeResult: Equatable where Success: Equatable, Failure: Equatable {}
extension SpacetimeResult: Hashable where Success: Hashable, Failure: Hashable {}
