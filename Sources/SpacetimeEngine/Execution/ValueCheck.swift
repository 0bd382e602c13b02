package import SpacetimeSATS

// Memory safety. Checked bytes: what is validated is bytes from outside, up to the end that is there.

/// Says whether bytes from outside are the BSATN of values of some types, one behind the other.
package struct ValueCheck: Sendable {
    private let layout: RowLayout

    /// Nil if the types are ones that no row could have.
    package init?(_ types: [AlgebraicType]) {
        guard let layout = try? RowLayout(types) else { return nil }
        self.layout = layout
    }

    /// How many bytes the values have, if any bytes of that number are such values; nil if more is to be looked at.
    package var plainByteCount: Int? { layout.isUnchecked ? layout.fixedSize : nil }

    /// Checks that the bytes are the values and nothing else.
    package func validate(_ bytes: UnsafeRawBufferPointer) throws(BSATNError) { try unsafe layout.validate(bytes) }
}
