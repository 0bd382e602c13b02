import SpacetimeEngine

/// Fields of which conditions say that they are equal, directly or through others.
struct EqualityClass {
    /// In the order in which the conditions name them.
    var members: [QueryField]
    /// A value that one of them equals, and therefore all.
    var constant: Plan.Operand?

    /// The first member that is a field of one of the tables.
    func first(in slots: SlotSet) -> QueryField? { members.first { slots.contains($0.slot) } }

    func first(in slot: Int) -> QueryField? { members.first { $0.slot == slot } }

    /// The classes of pairs of equal fields.
    static func all(_ pairs: [(QueryField, QueryField)]) -> [EqualityClass] {
        var classes: [EqualityClass] = []
        for (left, right) in pairs {
            let first = classes.firstIndex { $0.contains(left) }
            let second = classes.firstIndex { $0.contains(right) }
            switch (first, second) {
            case (nil, nil): classes.append(EqualityClass(members: [left, right]))
            case (let place?, nil): classes[place].members.append(right)
            case (nil, let place?): classes[place].members.append(left)
            case (let first?, let second?) where first != second:
                // Joined in place of the earlier, so that the order is that of the conditions.
                let members = classes[max(first, second)].members
                classes[min(first, second)].members += members
                classes.remove(at: max(first, second))
            case (_?, _?): break
            }
        }
        return classes
    }

    private func contains(_ field: QueryField) -> Bool {
        members.contains { $0.slot == field.slot && $0.path == field.path }
    }
}
