import SpacetimeHost
import SpacetimeSATS

/// Arguments on their way between values and bytes, for functions of a module that are called with bytes.
enum ArgumentBytes {
    /// Reads the next argument.
    ///
    /// A reader of its own for each argument: Swift 6.3 crashes over one that a pack expansion passes on.
    static func decode<Value: SpacetimeType>(
        _ type: Value.Type, _ bytes: UnsafeRawBufferPointer, _ position: inout Int
    ) throws(DatabaseError) -> Value {
        var reader = BSATNReader(RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: bytes[position...])))
        do throws(BSATNError) {
            let value = try Value(from: &reader)
            position += reader.offset
            return value
        } catch {
            throw malformed(error)
        }
    }

    static func requireEnd(_ bytes: UnsafeRawBufferPointer, at position: Int) throws(DatabaseError) {
        guard position == bytes.count else {
            throw malformed(.trailingBytes(at: position, count: bytes.count - position))
        }
    }

    private static func malformed(_ error: BSATNError) -> DatabaseError {
        DatabaseError(.badArguments, "the arguments are not what the function takes: \(error)", cause: error)
    }

    /// The names of so many arguments, of which some are written.
    static func names(_ written: [String], count: Int) -> [String] {
        var names = written
        for position in min(names.count, count)..<count { names.append("arg\(position)") }
        return Array(names.prefix(count))
    }

    static func one<Value>(_ type: Value.Type) -> Int { 1 }
}
