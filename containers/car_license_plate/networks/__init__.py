"""The networks of car_license_plate as torch modules."""
