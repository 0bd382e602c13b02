package import SpacetimeSATS

/// What a module writes when it is asked to describe itself: a definition of any version.
///
/// An unknown version throws. Bytes after the definition are ignored.
package enum RawModuleDef: RawRecord {
    case v8(RawModuleDefV8)
    case v9(RawModuleDefV9)
    case v10(RawModuleDefV10)

    package static var minimumByteCount: Int { 5 }

    package init(from reader: inout BSATNReader) throws(BSATNError) {
        switch try reader.readTag(below: 3) {
        case 0: self = .v8(try RawModuleDefV8(from: &reader))
        case 1: self = .v9(try RawModuleDefV9(from: &reader))
        default: self = .v10(try RawModuleDefV10(from: &reader))
        }
    }

    package func encode(to writer: inout BSATNWriter) {
        switch self {
        case .v8(let module):
            writer.writeTag(0)
            module.encode(to: &writer)
        case .v9(let module):
            writer.writeTag(1)
            module.encode(to: &writer)
        case .v10(let module):
            writer.writeTag(2)
            module.encode(to: &writer)
        }
    }
}
