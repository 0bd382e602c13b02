import SpacetimeSATS

extension TableRules {
    mutating func checkSequences() {
        var filled: Set<ColumnID> = []
        for sequence in table.sequences {
            guard let column = table.column(sequence.column) else {
                reportMissing(sequence.column, at: path.appending(.sequence(sequence.name)), what: "sequence")
                continue
            }
            let columnPath = path.appending(.column(column.sourceName))
            if !untyped.contains(sequence.column) && !column.type.isInteger {
                errors.report(
                    .invalidSequenceColumnType, at: columnPath, "only a column of an integer type can have a sequence")
            }
            if !filled.insert(sequence.column).inserted {
                errors.report(.oneAutoInc, at: columnPath, "the column has two sequences; drop one")
            }
            checkRange(of: sequence, at: columnPath)
        }
    }

    /// What SpacetimeDB finds out only when it creates the sequence is an error of the definition here.
    private mutating func checkRange(of sequence: SequenceSchema, at columnPath: SchemaPath) {
        guard sequence.minimum < sequence.maximum else {
            errors.report(
                .invalidSequenceRange, at: columnPath,
                "the sequence's maximum \(sequence.maximum) must be greater than its minimum \(sequence.minimum)")
            return
        }
        guard sequence.minimum <= sequence.start && sequence.start <= sequence.maximum else {
            errors.report(
                .invalidSequenceRange, at: columnPath,
                "the sequence starts at \(sequence.start), outside of \(sequence.minimum) to \(sequence.maximum); "
                    + "state a start within")
            return
        }
        // The difference of two Int128 may need 128 bits without a sign; wrapping gives exactly these.
        let span = UInt128(bitPattern: sequence.maximum &- sequence.minimum)
        if sequence.increment == 0 || sequence.increment.magnitude >= span {
            errors.report(
                .invalidSequenceIncrement, at: columnPath,
                "the sequence's increment \(sequence.increment) must not be 0 and must be smaller than its range")
        }
    }
}
