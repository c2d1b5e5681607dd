"""The strict call: arguments checked alone and together, pictures made with their records."""
