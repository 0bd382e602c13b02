import SpacetimeSATS

/// The program of a module, as somebody published it.
package struct ModuleProgram: Sendable {
    /// What kind of program it is.
    package enum Kind: UInt8, Hashable, Sendable {
        case webAssembly = 0
    }

    package let kind: Kind
    package let bytes: [UInt8]
    /// Keccak-256 of the bytes, by which programs are told apart.
    package let hash: [UInt8]

    package init(_ kind: Kind = .webAssembly, _ bytes: [UInt8]) {
        self.kind = kind
        self.bytes = bytes
        hash = Keccak256.hash(bytes)
    }
}
