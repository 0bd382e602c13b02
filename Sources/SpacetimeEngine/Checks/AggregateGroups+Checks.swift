extension AggregateGroups {
    /// Checks what is kept for the groups against their counts; for tests.
    func checkInvariants() throws(InvariantViolation) {
        var values = 0
        var groups = 0
        for group in 0..<bound where isPresent(group) {
            groups += 1
            for column in shape.columns where column.isDistinct { values += Int(record(group).count(column).value) }
        }
        try check(groups == count, "\(groups) groups, \(count) counted")
        try check(
            distinctCount == values, "\(distinctCount) different values are kept for groups that count \(values)")
        try checkExtremes()
    }
}
