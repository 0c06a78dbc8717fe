# fails: nobody knows the option 'spilt'
recipe compact.kd compact.expect
case kdump spilt=2
